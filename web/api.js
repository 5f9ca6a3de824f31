// Asks the server's own HTTP API.

/** The whole answer of a success; an Error with the server's sentence otherwise. */
export async function ask(path, parameters = {}, signal) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) if (one !== null && one !== undefined && one !== '') query.append(name, one);
  }
  const text = query.toString();
  // Long expressions do not fit into an address.
  const usesForm = text.length > 4000;
  const response = await fetch(usesForm || !text ? path : `${path}?${text}`, usesForm ? { method: 'POST', body: query, signal } : { signal });
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new Error(`The server answered with status ${response.status} and no JSON.`);
  }
  if (answer.status !== 'success') throw new Error([answer.error || `status ${response.status}`, answer.suggestion].filter(Boolean).join(', '));
  return answer;
}

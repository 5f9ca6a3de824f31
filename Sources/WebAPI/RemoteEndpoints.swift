import Remote

/// `/write` and the names other servers have for it: samples that others push.
struct RemoteEndpoints: Sendable {
    let receiver: WriteReceiver?
    let reader: ReadResponder

    /// `/read`: samples as they are stored, for servers that query through themselves.
    func read(_ request: APIRequest) -> APIResponse {
        let answer = reader.respond(body: request.body)
        guard answer.status == 200 else { return .text(answer.message + "\n", status: answer.status) }
        return APIResponse(
            contentType: "application/x-protobuf", headers: [(name: "Content-Encoding", value: "snappy")],
            body: .bytes(answer.body))
    }

    func write(_ request: APIRequest) -> APIResponse {
        guard let receiver else {
            return .text(
                "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n", status: 404)
        }
        let answer = receiver.receive(
            body: request.body, contentType: request.headers["content-type"],
            contentEncoding: request.headers["content-encoding"])
        guard answer.status != 204 else {
            return APIResponse(status: 204, contentType: "", headers: answer.headers, body: .bytes([]))
        }
        var response = APIResponse.text(answer.message + "\n", status: answer.status)
        response.headers = answer.headers
        return response
    }
}

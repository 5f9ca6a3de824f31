import MetricModel

/// The headers that let pages of other origins read answers (Fetch standard, "CORS protocol"), as Prometheus sets them.
struct OriginHeaders: Sendable {
    /// nil lets every origin.
    let allowed: RegexPattern?

    /// The headers of an answer to a request of this origin; nil where the request names none.
    func fields(for origin: String?) -> [(name: String, value: String)] {
        let vary = (name: "Vary", value: "Origin")
        guard let origin, !origin.isEmpty else { return [vary] }
        var fields = [
            vary, (name: "Access-Control-Allow-Headers", value: "Accept, Authorization, Content-Type, Origin"),
            (name: "Access-Control-Allow-Methods", value: "GET, POST, OPTIONS"),
            (name: "Access-Control-Expose-Headers", value: "Date"),
        ]
        if allowed == nil {
            fields.append((name: "Access-Control-Allow-Origin", value: "*"))
        } else if allowed?.matchesWhole(origin) == true {
            fields.append((name: "Access-Control-Allow-Origin", value: origin))
        }
        return fields
    }
}

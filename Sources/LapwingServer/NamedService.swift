import ServiceLifecycle

/// A service with a name to print.
///
/// The group asks each service for its text at the start. Without a name that is everything in it, found by reflection, which
/// took 4 of the 40 ms until an empty folder was ready; and a type that streams its text is not searched for other ways to do so.
struct NamedService: Service, TextOutputStreamable {
    private let name: String
    private let service: any Service

    init(_ name: String, _ service: any Service) {
        self.name = name
        self.service = service
    }

    func run() async throws { try await service.run() }

    func write(to target: inout some TextOutputStream) { target.write(name) }
}

import Glibc
import Remote
import TestSupport
import Testing

/// The web page in a real browser: headless Chromium of Debian's package.
@Suite("The page", .serialized, .enabled(if: RunningServer.binary != nil, "LAPWING names the release binary"))
struct PageTests {
    private static let hostile = "<img src=x onerror=alert(1)>"

    private struct View {
        var document: String
        var log: String
    }

    /// What the page has become after its scripts ran for some seconds of the browser's own time.
    private func view(_ server: RunningServer, _ path: String) -> View {
        let folder = TemporaryDirectory()
        let child = ChildProcess.run(
            [
                "timeout", "60", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,900",
                "--user-data-dir=\(folder.path)/profile", "--virtual-time-budget=5000", "--enable-logging=stderr",
                "--v=0",
                "--dump-dom", "http://127.0.0.1:\(server.port)\(path)",
            ], folder: folder, name: "chromium")
        return View(document: child.output, log: child.errors)
    }

    @Test("every page is drawn without a script error, and hostile names and values are text")
    func pages() async throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        let port = freeLoopbackPort()
        let target = LoopbackServer { _ in
            let value = Self.hostile
            return (
                200, "text/plain; version=0.0.4",
                "# TYPE plain gauge\nplain{label=\"\(value)\"} 1\n{\"\(value)\",x=\"y\"} 2\nplain{label=\"harmless\"} 3\n"
            )
        }
        defer { target.stop() }
        folder.write(
            "rules.yml",
            """
            groups:
            - name: hostile
              interval: 1s
              rules:
              - alert: Hostile
                expr: plain > 0
                annotations: {summary: '\(Self.hostile) {{ $labels.label }}'}
            """)
        folder.write(
            "lapwing.yml",
            """
            global: {scrape_interval: 1s, evaluation_interval: 1s}
            rule_files: [rules.yml]
            scrape_configs:
            - job_name: hostile
              static_configs: [{targets: ['127.0.0.1:\(target.port)'], labels: {extra: '\(Self.hostile)'}}]
            """)
        let server = RunningServer(binary: binary, serving: folder, port: port)
        let isFiring = await RunningServer.wait(seconds: 20) {
            server.get("/api/v1/alerts").body.contains("firing")
        }
        #expect(isFiring, "\(server.log)")
        let pages = [
            "/query?g0.expr=%7Bjob%3D%22hostile%22%7D&g0.tab=table",
            "/query?g0.expr=plain&g0.tab=graph&g0.range_input=5m",
            "/query?g0.expr=%22%3Cimg+src%3Dx+onerror%3Dalert(1)%3E%22", "/query?g0.expr=nonsense(", "/query",
            "/alerts",
            "/targets", "/rules", "/status",
        ]
        for page in pages {
            let view = view(server, page)
            #expect(view.document.contains("</html>"), "\(page): nothing was drawn: \(view.log.suffix(500))")
            #expect(!view.document.contains("<img src=\"x\""), "\(page) made markup from data")
            #expect(!view.document.contains("<img src=x"), "\(page) made markup from data")
            #expect(!view.log.contains("Uncaught"), "\(page): \(view.log)")
            #expect(!view.log.contains("Content Security Policy"), "\(page): \(view.log)")
        }
        let table = view(server, pages[0]).document
        #expect(table.contains("&lt;img src=x onerror=alert(1)&gt;"), "the label's value is not shown")
        #expect(view(server, pages[1]).document.contains("u-wrap"), "no graph was drawn")
        #expect(view(server, pages[3]).document.contains("parse error"), "the error is not shown")
        #expect(view(server, "/targets").document.contains("1 of 1 up"))
        #expect(view(server, "/rules").document.contains("Hostile"))
        #expect(server.stop() == 0)
    }
}

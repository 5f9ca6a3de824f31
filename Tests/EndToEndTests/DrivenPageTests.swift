import Remote
import TestSupport
import Testing

/// The page under a hand: typing, completion, hovering, zooming, the theme.
@Suite("The page, driven", .serialized, .enabled(if: RunningServer.binary != nil, "LAPWING names the release binary"))
struct DrivenPageTests {
    @Test("a query is typed with completion, drawn, read under the pointer and zoomed by dragging")
    func query() async throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        let port = freeLoopbackPort()
        let target = LoopbackServer { _ in
            (200, "text/plain; version=0.0.4", "# TYPE dial gauge\ndial{hand=\"short\"} 3\ndial{hand=\"long\"} 40\n")
        }
        defer { target.stop() }
        folder.write(
            "lapwing.yml",
            """
            global: {scrape_interval: 1s}
            scrape_configs:
            - job_name: clock
              static_configs: [{targets: ['127.0.0.1:\(target.port)']}]
            """)
        let server = RunningServer(binary: binary, serving: folder, port: port)
        let hasSamples = await RunningServer.wait(seconds: 20) {
            (await server.values("count_over_time(dial[1m]) > 3", by: "hand") ?? [:]).count == 2
        }
        #expect(hasSamples, "\(server.log)")
        let browser = try #require(DrivenBrowser(folder: folder), "Chromium did not start")
        browser.open("http://127.0.0.1:\(port)/query?g0.tab=graph&g0.range_input=1m")
        #expect(await shows(browser, "!!document.querySelector('.CodeMirror-focused')"), "the field has no focus")

        // Completion offers the metric; Enter takes it, Enter again runs it.
        browser.type("dia")
        #expect(
            await shows(browser, "document.querySelector('.CodeMirror-hint-active')?.textContent.includes('dial')"),
            "no completion: \(browser.value("document.body.innerText") ?? "")")
        browser.press("Enter", code: 13, text: "\r")
        #expect(await shows(browser, "document.querySelector('.CodeMirror').CodeMirror.getValue() === 'dial'"))
        browser.press("Enter", code: 13, text: "\r")
        #expect(await shows(browser, "!!document.querySelector('.u-over')"), "no graph")
        #expect(await shows(browser, "new URLSearchParams(location.search).get('g0.expr') === 'dial'"))

        // The last fifth of the minute has samples: the readout names the nearest line.
        let isRead = await RunningServer.wait(seconds: 10) {
            // Found anew each time: the page may still be moving.
            guard let over = browser.point(in: ".u-over", x: 0.97, y: 0.3) else { return false }
            browser.moveMouse(to: (over.x - 40, over.y + 10))
            browser.moveMouse(to: over)
            return browser.value("document.querySelector('.readout')?.innerText.includes('40')") == "true"
        }
        #expect(isRead, "\(browser.value("document.body.innerText") ?? "")")
        #expect(browser.value("document.querySelector('.readout').innerText.includes('long')") == "true")

        // Dragging over half of it asks for half of the range.
        let start = try #require(browser.point(in: ".u-over", x: 0.45))
        let end = try #require(browser.point(in: ".u-over", x: 0.95))
        browser.drag(from: start, to: end)
        #expect(
            await shows(browser, "new URLSearchParams(location.search).get('g0.range_input') === '30s'"),
            "\(browser.value("location.search") ?? "")")
        #expect(await shows(browser, "!!document.querySelector('.u-over')"), "no graph after zooming")

        // Back takes the zoom back; the button changes the theme.
        _ = browser.value("history.back()")
        #expect(await shows(browser, "new URLSearchParams(location.search).get('g0.range_input') === '1m'"))
        let theme = browser.value("document.getElementById('theme').textContent")
        let button = try #require(browser.point(in: "header button"))
        browser.drag(from: button, to: button)
        #expect(await shows(browser, "document.getElementById('theme').textContent !== '\(theme ?? "")'"))
        await showsPlan(browser, port)
        #expect(browser.complaints == [])
        #expect(server.stop() == 0)
    }

    @Test("a query that runs is ended by its button")
    func ending() async throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        let port = freeLoopbackPort()
        folder.write("lapwing.yml", "global: {scrape_interval: 15s}\n")
        let server = RunningServer(binary: binary, serving: folder, port: port)
        #expect(await RunningServer.wait(seconds: 20) { server.get("/-/ready").status == 200 }, "\(server.log)")
        // Some minutes of work, a step at a time.
        let endless = "sum(count_over_time(stddev_over_time(vector(time())[100h:1s])[11h:1s]))"
        let asking = ChildProcess(
            [
                "curl", "-sg", "-m", "60", "-A", "patient/2", "--data-urlencode", "query=\(endless)",
                "http://127.0.0.1:\(port)/api/v1/query",
            ], folder: folder, name: "patient")
        let isRunning = await RunningServer.wait(seconds: 10) {
            await server.ask("/api/v1/status/queries")?["data"]?["queries"]?.elements?.first?["state"]?.text
                == "running"
        }
        #expect(isRunning)
        let browser = try #require(DrivenBrowser(folder: folder), "Chromium did not start")
        browser.open("http://127.0.0.1:\(port)/status")
        #expect(
            await shows(
                browser, "document.querySelector('tbody tr td button')?.closest('tr').innerText.includes('patient/2')"),
            "\(browser.value("document.body.innerText") ?? "")")
        let button = try #require(browser.point(in: "tbody tr td button"))
        browser.drag(from: button, to: button)
        asking.wait()
        #expect(asking.output.contains("query was canceled in expression evaluation"), "\(asking.output)")
        #expect(await shows(browser, "!document.body.innerText.includes('patient/2')"), "the query is still shown")
        #expect(browser.complaints == [])
        #expect(server.stop() == 0)
    }

    /// The parts of a plan stand further in, each below what it is a part of.
    private func showsPlan(_ browser: DrivenBrowser, _ port: Int) async {
        browser.open("http://127.0.0.1:\(port)/query?g0.expr=sum(rate(dial%5B1m%5D))&g0.tab=plan&g0.range_input=1m")
        let edges = "[...document.querySelectorAll('.result td code')].map((part) => part.getBoundingClientRect().left)"
        #expect(
            await shows(
                browser, "\(edges).length === 3 && \(edges).every((left, row, all) => !row || left > all[row - 1])"),
            "\(browser.value(edges) ?? "")")
    }

    /// Asks the page until an expression is true.
    private func shows(_ browser: DrivenBrowser, _ expression: String) async -> Bool {
        await RunningServer.wait(seconds: 10) { browser.value(expression) == "true" }
    }
}

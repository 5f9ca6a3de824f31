import Cgroups
import Glibc

// What the collector costs on cgroups made for the purpose, as CPU time of this process.
//
//   CollectorBenchmark sweep  [cgroups=500] [seconds=300] [interval=1000] [scrape=0]   milliseconds; scrape 0: never
//   CollectorBenchmark scrape [cgroups=500] [count=200]                                CPU time of one page
//   CollectorBenchmark churn  [count=10000]                                            cgroups made and removed
//   CollectorBenchmark seen   [cgroups=500] [count=100]                                time until a new one is on the page
//   CollectorBenchmark page   [seconds=3]                                              this machine's page after so long
//   CollectorBenchmark machine [count=200]                                             CPU time of one page of the machine

let arguments = CommandLine.arguments
if arguments.count > 1, arguments[1] == "worker" { CgroupLoad.work() }

func number(_ name: String, _ standard: Int) -> Int {
    for argument in arguments.dropFirst(2) where argument.hasPrefix(name + "=") {
        return Int(argument.dropFirst(name.utf8.count + 1)) ?? standard
    }
    return standard
}

let benchmark = CollectorBenchmark()
switch arguments.count > 1 ? arguments[1] : "" {
case "sweep":
    benchmark.sweeps(
        cgroups: number("cgroups", 500), seconds: number("seconds", 300), interval: number("interval", 1_000),
        scrape: number("scrape", 0))
case "scrape": benchmark.scrapes(cgroups: number("cgroups", 500), count: number("count", 200))
case "churn": benchmark.churn(count: number("count", 10_000))
case "seen": benchmark.seen(cgroups: number("cgroups", 500), count: number("count", 100))
case "page": benchmark.printPage(seconds: number("seconds", 3))
case "machine": benchmark.machine(count: number("count", 200))
default:
    print("usage: CollectorBenchmark sweep|scrape|churn|seen|page|machine [name=number ...]")
    exit(2)
}

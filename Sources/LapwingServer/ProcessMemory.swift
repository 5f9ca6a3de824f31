import Glibc
import Logging
import PromQL
import SelfMetrics
import TSDB

/// One number of bytes for the process, and what its parts may take of it.
///
///     limit   --memory.limit, else nine tenths of the smallest limit of the process' cgroups and the machine's memory
///       32 MiB     code, stacks, connections, buffers
///       1/2        head: series that are known keep flowing, new ones beyond it are refused
///       5/16       queries: all together, rules included; one of them at most three quarters of it, decoded rows of it at
///                  most a sixteenth
///       the rest   bodies of scrapes, sealing and merging, what the allocator holds
struct ProcessMemory: Equatable, Sendable {
    let limitBytes: Int
    /// Where the limit comes from, for the log.
    let source: String

    static let ownBytes = 32 << 20
    /// Less than this is no basis for anything.
    static let minimumBytes = 64 << 20

    private var divided: Int { max(Self.minimumBytes, limitBytes) - Self.ownBytes }
    var headBytes: Int { divided / 2 }
    var queryBytes: Int { divided / 16 * 5 }
    /// What one query may take.
    var singleQueryBytes: Int { queryBytes / 4 * 3 }
    var queryCacheBytes: Int { divided / 16 }

    init(limitBytes: Int, source: String) {
        self.limitBytes = limitBytes
        self.source = source
    }

    /// What the command line says, or what the kernel allows.
    init(settingBytes: Int?) {
        if let settingBytes {
            self.init(limitBytes: settingBytes, source: "--memory.limit")
            return
        }
        let allowed = CgroupMemoryLimit.smallest(rootPath: "")
        let machine = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
        if let allowed, allowed < machine {
            self.init(limitBytes: allowed / 10 * 9, source: "the cgroup's limit")
        } else {
            self.init(limitBytes: machine / 10 * 9, source: "the machine's memory")
        }
    }

    func apply(to settings: inout DatabaseSettings) {
        settings.headLimitBytes = headBytes
        settings.headBytesBeforeSealing = min(settings.headBytesBeforeSealing, headBytes / 4)
        settings.journalBacklogLimitBytes = min(settings.journalBacklogLimitBytes, headBytes / 4)
        settings.queryCacheLimitBytes = min(settings.queryCacheLimitBytes, queryCacheBytes)
        settings.blockCacheBytes = min(settings.blockCacheBytes, divided / 64)
        settings.headFindingsBytes = min(settings.headFindingsBytes, divided / 64)
        settings.headColumnsBytes = min(settings.headColumnsBytes, divided / 64)
    }

    func apply(to settings: inout EngineSettings) {
        settings.memoryLimitBytes = min(settings.memoryLimitBytes, singleQueryBytes)
        settings.resultCacheBytes = min(settings.resultCacheBytes, queryCacheBytes)
    }

    /// - Parameter queryBytes: What all queries may hold together, by this division and by `--query.max-memory`.
    func register(in registry: Registry, queryBytes: Int, logger: Logger) {
        registry.gauge("lapwing_memory_limit_bytes", help: "Bytes that the process gives itself.") {
            Double(limitBytes)
        }
        logger.info(
            "memory",
            metadata: [
                "limit": "\(limitBytes >> 20)MiB", "from": "\(source)", "head": "\(headBytes >> 20)MiB",
                "queries": "\(queryBytes >> 20)MiB",
            ])
    }
}

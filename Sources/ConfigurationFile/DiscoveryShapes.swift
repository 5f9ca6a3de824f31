/// What the sections of discovery mechanisms that are not there yet may say.
///
/// Those whose keys are all known are strict; of the others the keys without which Prometheus refuses a file are asked.
enum DiscoveryShapes {
    /// Every `…_sd_configs` but `file_sd_configs`, by its key.
    static let keys: [String: ValueShape] = {
        var result: [String: ValueShape] = [:]
        for name in ScrapeSection.foreignDiscoveries {
            result[name + "_sd_configs"] = .list(.section(sections[name] ?? open([:])))
        }
        return result
    }()

    private static let web = ["http", "https"]

    private static func open(_ keys: [String: ValueShape], required: [String] = []) -> SectionShape {
        SectionShape(keys: keys, required: required, isOpen: true)
    }

    private static let filters = ValueShape.list(
        .section(SectionShape(keys: ["name": .text, "values": .list(.text)], required: ["name", "values"])))

    private static let sections: [String: SectionShape] = [
        "azure": open([:], required: ["subscription_id"]),
        "consul": SectionShape(
            keys: [
                "server": .text, "path_prefix": .text, "token": .text, "datacenter": .text, "namespace": .text,
                "partition": .text, "scheme": .text, "username": .text, "password": .text, "services": .list(.text),
                "filter": .text, "health_filter": .text, "tags": .list(.text), "node_meta": .texts,
                "tag_separator": .text, "allow_stale": .flag, "refresh_interval": .duration,
            ], speaksHTTP: true),
        "dns": SectionShape(
            keys: [
                "names": .list(.text), "type": .word(["SRV", "A", "AAAA", "MX", "NS", "srv", "a", "aaaa", "mx", "ns"]),
                "port": .whole(atLeast: 0), "refresh_interval": .duration,
            ], required: ["names"]),
        "docker": SectionShape(
            keys: [
                "host": .url([]), "port": .whole(atLeast: 0), "host_networking_host": .text,
                "match_first_network": .flag, "filters": filters, "refresh_interval": .duration,
            ], required: ["host"], speaksHTTP: true),
        "dockerswarm": SectionShape(
            keys: [
                "host": .url([]), "port": .whole(atLeast: 0), "role": .word(["services", "tasks", "nodes"]),
                "filters": filters, "refresh_interval": .duration,
            ], required: ["host", "role"], speaksHTTP: true),
        "ec2": open(["filters": filters, "port": .whole(atLeast: 0), "refresh_interval": .duration]),
        "eureka": open(["server": .url(web)], required: ["server"]),
        "gce": open([:], required: ["project", "zone"]),
        "hetzner": open(["role": .word(["hcloud", "robot"])], required: ["role"]),
        "http": SectionShape(
            keys: ["url": .url(web), "refresh_interval": .duration], required: ["url"], speaksHTTP: true),
        "ionos": open([:], required: ["datacenter_id"]),
        "kubernetes": kubernetes,
        "kuma": open(["server": .url(web)], required: ["server"]),
        "marathon": open(["servers": .list(.text)], required: ["servers"]),
        "nerve": open(["servers": .list(.text), "paths": .list(.text)], required: ["servers", "paths"]),
        "openstack": open(
            ["role": .word(["instance", "hypervisor", "loadbalancer"])], required: ["role", "region"]),
        "ovhcloud": open(
            ["service": .word(["vps", "dedicated_server"])],
            required: ["endpoint", "application_key", "application_secret", "consumer_key", "service"]),
        "puppetdb": open(["url": .url(web)], required: ["url", "query"]),
        "scaleway": open(["role": .word(["instance", "baremetal"])], required: ["role", "project_id"]),
        "serverset": open(["servers": .list(.text), "paths": .list(.text)], required: ["servers", "paths"]),
        "triton": open([:], required: ["account", "dns_suffix", "endpoint"]),
        "uyuni": open([:], required: ["server", "username", "password"]),
    ]

    static let kubernetesRoles = ["node", "service", "pod", "endpoints", "endpointslice", "ingress"]

    private static let kubernetes = SectionShape(
        keys: [
            "role": .word(kubernetesRoles), "api_server": .url([]), "kubeconfig_file": .text,
            "namespaces": .section(SectionShape(keys: ["own_namespace": .flag, "names": .list(.text)])),
            "selectors": .list(
                .section(
                    SectionShape(
                        keys: ["role": .word(kubernetesRoles), "label": .text, "field": .text], required: ["role"]))),
            "attach_metadata": .section(
                SectionShape(
                    keys: ["node": .flag, "namespace": .flag, "deployment": .flag, "job": .flag, "cronjob": .flag])),
        ], required: ["role"], exclusive: [["api_server", "kubeconfig_file"]], speaksHTTP: true)

    /// Checks the entries of one mechanism, and what no shape says.
    static func check(_ value: YAMLValue, key: String, folder: String) throws(ConfigurationError) {
        guard let shape = keys[key] else { return }
        try shape.check(value, folder: folder)
        for entry in try value.elements() {
            var reader = try MappingReader(entry)
            switch key {
            case "dns_sd_configs":
                let type = try reader.string("type") ?? "SRV"
                if type.uppercased() != "SRV", try reader.integer("port") ?? 0 == 0 {
                    throw entry.error("a port is required in DNS-SD configs for all record types except SRV")
                }
            case "kubernetes_sd_configs":
                let client = ["basic_auth", "authorization", "oauth2", "tls_config", "bearer_token", "proxy_url"]
                if reader.optional("api_server") == nil, let first = client.first(where: { reader.optional($0) != nil })
                {
                    throw entry.error("\(first) needs api_server: without one the client of the cluster is used")
                }
            default: break
            }
        }
    }
}

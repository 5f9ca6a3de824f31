package import MetricModel

/// The routing tree with what is inherited filled in: which groups an alert belongs to.
package struct RoutingTree: Sendable {
    /// A node of the tree as the grouping needs it.
    package struct Leaf: Hashable, Sendable {
        package var receiver: String
        package var groupBy: NotificationRoute.GroupBy
        package var groupWaitMilliseconds: Int64
        package var groupIntervalMilliseconds: Int64
        package var repeatIntervalMilliseconds: Int64
        /// Alertmanager's name of the node: `{}/{severity="critical"}`.
        package var path: String

        /// The labels that stand for the group an alert falls into.
        package func groupLabels(of labels: LabelSet) -> LabelSet {
            guard case .labels(let names) = groupBy else { return labels }
            let wanted = Set(names)
            var builder = LabelSetBuilder(labels)
            builder.keep { wanted.contains($0) }
            return builder.build()
        }

        /// Alertmanager's name of a group: route and labels.
        package func groupKey(_ groupLabels: LabelSet) -> String { path + ":" + Self.text(of: groupLabels) }

        private static func text(of labels: LabelSet) -> String {
            "{" + labels.pairs.map { $0.name + "=" + LabelName.quoted($0.value) }.joined(separator: ", ") + "}"
        }
    }

    private struct Node: Sendable {
        var leaf: Leaf
        var matchers: [LabelMatcher]
        var continues: Bool
        var children: [Node]
    }

    private let root: Node

    package init(_ route: NotificationRoute) {
        let defaults = Leaf(
            receiver: "", groupBy: .labels([]), groupWaitMilliseconds: 30_000, groupIntervalMilliseconds: 300_000,
            repeatIntervalMilliseconds: 4 * 3_600_000, path: "")
        root = Self.node(route, parent: defaults, isRoot: true)
    }

    private static func node(_ route: NotificationRoute, parent: Leaf, isRoot: Bool = false) -> Node {
        let matchers = route.matchers.map(\.description).joined(separator: ",")
        let leaf = Leaf(
            receiver: route.receiver ?? parent.receiver, groupBy: route.groupBy ?? parent.groupBy,
            groupWaitMilliseconds: route.groupWaitMilliseconds ?? parent.groupWaitMilliseconds,
            groupIntervalMilliseconds: route.groupIntervalMilliseconds ?? parent.groupIntervalMilliseconds,
            repeatIntervalMilliseconds: route.repeatIntervalMilliseconds ?? parent.repeatIntervalMilliseconds,
            path: isRoot ? "{}" : parent.path + "/{" + matchers + "}")
        return Node(
            leaf: leaf, matchers: route.matchers, continues: route.continues,
            children: route.routes.map { node($0, parent: leaf) })
    }

    /// The leaves for an alert: the deepest that match, more than one only behind `continue`.
    package func leaves(for labels: LabelSet) -> [Leaf] { Self.leaves(of: root, for: labels) ?? [root.leaf] }

    private static func leaves(of node: Node, for labels: LabelSet) -> [Leaf]? {
        guard node.matchers.allSatisfy({ $0.matches(labels) }) else { return nil }
        var found: [Leaf] = []
        for child in node.children {
            guard let leaves = leaves(of: child, for: labels) else { continue }
            found += leaves
            if !child.continues { break }
        }
        return found.isEmpty ? [node.leaf] : found
    }
}

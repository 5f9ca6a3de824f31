/// Which tree is walked when and by whom, and what came of it: events in, decisions out.
///
/// Trees are shared: a volume of two containers is walked once. A tree of many entries is walked in a lane of its own,
/// one at a time, so that it does not hold up the small ones.
struct DiskState {
    enum Lane: Int, CaseIterable {
        case short, long
    }

    /// A tree with more entries than this belongs to the long lane.
    static let shortEntries = 5_000
    /// What is due is looked for this often at most.
    static let leastPauseNanoseconds: UInt64 = 1_000_000_000
    /// The next walk comes after this many times what the last one took, an hour at most.
    static let backoff: UInt64 = 4
    static let longestIntervalNanoseconds: UInt64 = 3_600_000_000_000
    /// A subject's trees are looked for again after this time.
    static let findingNanoseconds: UInt64 = 300_000_000_000
    /// The first looks at a subject are repeated sooner, for a runtime may not have made everything yet.
    static let earlyFindings = 6
    static let firstFindingNanoseconds: UInt64 = 10_000_000_000

    struct Subject {
        var value: DiskSubject
        var parts: [DiskPart: DiskTree] = [:]
        var findingDue: UInt64 = 0
        var findings = 0
        var isHanging = false

        /// Names lead to other trees; another process only where the last one did not lead to the layer.
        func mustBeFoundAnew(as new: DiskSubject) -> Bool {
            var same = value
            same.process = new.process
            if same != new { return true }
            return value.process != new.process && parts[.layer] == nil && findings < DiskState.earlyFindings
        }
    }

    struct Tree {
        var due: UInt64 = 0
        var lane = Lane.short
        var figure: DiskFigure?
        var isTaken = false
        var isHanging = false
    }

    /// What a worker is at, for those who wonder why it does not answer.
    enum Occupation: Equatable {
        case finding(DiskSubject.Key)
        case walking(DiskTree)
    }

    let intervalNanoseconds: UInt64
    let maximumTrees: Int
    /// Threads that may wait for a file system that does not answer at most; then nothing is walked any more.
    let maximumHanging: Int
    private(set) var subjects: [DiskSubject.Key: Subject] = [:]
    private(set) var trees: [DiskTree: Tree] = [:]
    private(set) var failures = [UInt64](repeating: 0, count: DiskFailure.allCases.count)
    private(set) var walks: UInt64 = 0
    private(set) var entries: UInt64 = 0
    private(set) var walkNanoseconds: UInt64 = 0
    /// The worker that may go on; those before it were given up.
    private(set) var worker: UInt64 = 0
    private(set) var isWorking = false
    private(set) var hangingCount = 0
    private var occupation: Occupation?
    /// The trees of each lane that are due, the next one last, and when all are looked through again.
    private var ready = [[DiskTree]](repeating: [], count: Lane.allCases.count)
    private var readyDue = [UInt64](repeating: 0, count: Lane.allCases.count)
    private var progressSeen: (count: UInt64, since: UInt64)?

    init(intervalNanoseconds: UInt64, maximumTrees: Int, maximumHanging: Int = 4) {
        self.intervalNanoseconds = intervalNanoseconds
        self.maximumTrees = maximumTrees
        self.maximumHanging = maximumHanging
    }

    // MARK: Subjects

    /// Takes the list of all that is wanted; true when a worker must be started for it.
    mutating func setSubjects(_ list: [DiskSubject]) -> Bool {
        var kept: [DiskSubject.Key: Subject] = [:]
        kept.reserveCapacity(list.count)
        for value in list {
            if var known = subjects[value.key] {
                if known.mustBeFoundAnew(as: value) { known.findingDue = 0 }
                known.value = value
                kept[value.key] = known
            } else {
                kept[value.key] = Subject(value: value)
            }
        }
        let isSmaller = kept.count < subjects.count || subjects.keys.contains { kept[$0] == nil }
        subjects = kept
        if isSmaller { forgetUnused() }
        return beginWorking()
    }

    /// True when a worker must be started: there is work, and none at it.
    mutating func beginWorking() -> Bool {
        guard !isWorking, !subjects.isEmpty, hangingCount < maximumHanging else { return false }
        worker &+= 1
        isWorking = true
        occupation = nil
        progressSeen = nil
        for tree in trees.keys where trees[tree]?.isHanging == false { trees[tree]?.isTaken = false }
        return true
    }

    /// No thread could be had; it is tried again with the next list.
    mutating func couldNotStart() { isWorking = false }

    private mutating func forgetUnused() {
        var used: Set<DiskTree> = []
        for subject in subjects.values { used.formUnion(subject.parts.values) }
        trees = trees.filter { used.contains($0.key) || $0.value.isTaken }
    }

    /// A subject whose trees are to be looked for.
    mutating func nextFinding(for worker: UInt64, now: UInt64) -> DiskSubject? {
        guard worker == self.worker else { return nil }
        occupation = nil
        guard let next = subjects.first(where: { $0.value.findingDue <= now && !$0.value.isHanging }) else {
            return nil
        }
        occupation = .finding(next.key)
        return next.value.value
    }

    /// Takes what was found.
    mutating func found(
        _ parts: [DiskPart: DiskTree], failure: DiskFailure?, for key: DiskSubject.Key, from worker: UInt64, now: UInt64
    ) {
        if let failure { count(failure) }
        if worker == self.worker { occupation = nil } else { endHanging() }
        guard var subject = subjects[key] else { return }
        subject.isHanging = false
        subject.findings += 1
        let isEarly = subject.findings < 3 || parts[.layer] == nil && subject.findings < Self.earlyFindings
        subject.findingDue = now &+ (isEarly ? Self.firstFindingNanoseconds : Self.findingNanoseconds)
        var allowed: [DiskPart: DiskTree] = [:]
        for (part, tree) in parts {
            if trees[tree] == nil {
                guard trees.count < maximumTrees else {
                    count(.ceiling)
                    continue
                }
                trees[tree] = Tree()
            }
            allowed[part] = tree
        }
        let before = subject.parts
        subject.parts = allowed
        subjects[key] = subject
        if before.values.contains(where: { !allowed.values.contains($0) }) { forgetUnused() }
    }

    // MARK: Walks

    /// The tree that has waited longest in a lane; it is taken until `finish` or `postpone`.
    mutating func nextTree(_ lane: Lane, for worker: UInt64, now: UInt64) -> DiskTree? {
        guard worker == self.worker else { return nil }
        occupation = nil
        if ready[lane.rawValue].isEmpty { fillReady(lane, now: now) }
        while let tree = ready[lane.rawValue].popLast() {
            guard let state = trees[tree], state.lane == lane, !state.isTaken, state.due <= now else { continue }
            trees[tree]?.isTaken = true
            occupation = .walking(tree)
            return tree
        }
        return nil
    }

    /// Looks through all trees for those that are due, once a second at most.
    private mutating func fillReady(_ lane: Lane, now: UInt64) {
        guard now >= readyDue[lane.rawValue] else { return }
        readyDue[lane.rawValue] = now &+ Self.leastPauseNanoseconds
        let due = trees.filter { $0.value.lane == lane && !$0.value.isTaken && $0.value.due <= now }
        ready[lane.rawValue] = due.sorted { $0.value.due > $1.value.due }.map(\.key)
    }

    /// Notes that a worker goes on with a tree, or has gone on; false when it was given up.
    mutating func goOn(with tree: DiskTree, for worker: UInt64) -> Bool {
        guard worker == self.worker else {
            if trees[tree]?.isHanging == true { endHanging(of: tree) }
            return false
        }
        occupation = .walking(tree)
        return true
    }

    /// A short walk met too many entries; the long lane begins anew with it.
    mutating func postpone(_ tree: DiskTree, from worker: UInt64, entries: Int) {
        self.entries &+= UInt64(entries)
        guard goOn(with: tree, for: worker) else { return }
        occupation = nil
        trees[tree]?.lane = .long
        trees[tree]?.isTaken = false
    }

    /// Takes the result of a walk that took from `started` until `now`; without a figure the one before stays.
    mutating func finish(
        _ tree: DiskTree, from worker: UInt64, _ figure: DiskFigure?, failure: DiskFailure?, entries: Int,
        started: UInt64, now: UInt64
    ) {
        walks &+= 1
        self.entries &+= UInt64(entries)
        walkNanoseconds &+= now &- started
        if let failure { count(failure) }
        // Another worker has the tree if this one was given up over another.
        guard goOn(with: tree, for: worker) else { return }
        occupation = nil
        guard var state = trees[tree] else { return }
        if let figure { state.figure = figure }
        // What is not there any more has no size.
        if failure == .missing { state.figure = nil }
        state.isTaken = false
        if figure != nil { state.lane = entries > Self.shortEntries ? .long : .short }
        let pause = max(
            intervalNanoseconds, (now &- started).multipliedReportingOverflow(by: Self.backoff).partialValue)
        state.due = now &+ min(pause, max(intervalNanoseconds, Self.longestIntervalNanoseconds))
        trees[tree] = state
        if subjects.isEmpty || !subjects.values.contains(where: { $0.parts.values.contains(tree) }) {
            trees[tree] = nil
        }
    }

    /// When there is work again; nil when the worker may end: it was given up, or nothing is wanted.
    mutating func nextDue(for worker: UInt64) -> UInt64? {
        guard worker == self.worker else { return nil }
        occupation = nil
        guard !subjects.isEmpty else {
            isWorking = false
            return nil
        }
        var due = UInt64.max
        for subject in subjects.values where !subject.isHanging { due = min(due, subject.findingDue) }
        for tree in trees.values where !tree.isTaken { due = min(due, tree.due) }
        return due
    }

    // MARK: What does not answer

    /// Gives up a worker that made no progress for so long; true when another must be started.
    mutating func giveUp(progress: UInt64, now: UInt64, timeoutNanoseconds: UInt64) -> Bool {
        guard isWorking, let occupation else {
            progressSeen = nil
            return beginWorking()
        }
        guard let seen = progressSeen, seen.count == progress else {
            progressSeen = (progress, now)
            return false
        }
        guard now > seen.since, now - seen.since >= timeoutNanoseconds else { return false }
        count(.hanging)
        hangingCount += 1
        switch occupation {
        case .finding(let key): subjects[key]?.isHanging = true
        case .walking(let tree): trees[tree]?.isHanging = true
        }
        self.occupation = nil
        isWorking = false
        worker &+= 1
        return beginWorking()
    }

    private mutating func endHanging(of tree: DiskTree? = nil) {
        hangingCount = max(0, hangingCount - 1)
        guard let tree else { return }
        trees[tree]?.isHanging = false
        trees[tree]?.isTaken = false
    }

    private mutating func count(_ failure: DiskFailure) { failures[failure.rawValue] &+= 1 }
}

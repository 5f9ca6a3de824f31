/// A date counted year by year and month by month from the beginning of a cycle of 400 years.
struct NaiveDate {
    var minute = 0.0
    var hour = 0.0
    var weekday = 0.0
    var day = 0.0
    var dayOfYear = 0.0
    var daysInMonth = 0.0
    var month = 0.0
    var year = 0.0

    /// Nil for times that have no date.
    init?(_ seconds: Double) {
        guard seconds.magnitude < 9.2e12 else { return nil }
        let whole = Int(seconds)
        let days = Int((Double(whole) / 86400).rounded(.down))
        let secondOfDay = whole - days * 86400
        minute = Double(secondOfDay / 60 % 60)
        hour = Double(secondOfDay / 3600)
        // The first of January 1970 was a Thursday.
        weekday = Double(((days + 4) % 7 + 7) % 7)
        let cycle = Int((Double(days) / 146_097).rounded(.down))
        var rest = days - cycle * 146_097
        var year = 1970
        func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
        while rest >= (isLeap(year) ? 366 : 365) {
            rest -= isLeap(year) ? 366 : 365
            year += 1
        }
        dayOfYear = Double(rest + 1)
        let lengths = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var month = 0
        while rest >= lengths[month] {
            rest -= lengths[month]
            month += 1
        }
        day = Double(rest + 1)
        daysInMonth = Double(lengths[month])
        self.month = Double(month + 1)
        self.year = Double(year + cycle * 400)
    }
}

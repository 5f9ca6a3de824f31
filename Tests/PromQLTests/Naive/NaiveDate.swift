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

    /// The first of January of the year -292,277,022,399 in seconds from the epoch.
    private static let firstMoment: Int128 = -9_223_372_028_715_321_600

    init(_ seconds: Double) {
        var moment = Int128(Int64(exactly: seconds.rounded(.towardZero)) ?? .min)
        // What lies before the first of January of this year comes round at the other end of 64 bits.
        if moment < Self.firstMoment { moment += Int128(1) << 64 }
        let days = Int(moment >= 0 ? moment / 86400 : (moment - 86399) / 86400)
        let secondOfDay = Int(moment - Int128(days) * 86400)
        minute = Double(secondOfDay / 60 % 60)
        hour = Double(secondOfDay / 3600)
        // The first of January 1970 was a Thursday.
        weekday = Double(((days + 4) % 7 + 7) % 7)
        let cycle = days >= 0 ? days / 146_097 : (days - 146_096) / 146_097
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

import MetricModel
import PromQLSyntax

/// A part of a date, from seconds since the epoch, in UTC.
enum CalendarField {
    case minute, hour, dayOfWeek, dayOfMonth, dayOfYear, daysInMonth, month, year

    /// Nil where the function is not about dates.
    init?(_ function: Function) {
        switch function {
        case .minute: self = .minute
        case .hour: self = .hour
        case .dayOfWeek: self = .dayOfWeek
        case .dayOfMonth: self = .dayOfMonth
        case .dayOfYear: self = .dayOfYear
        case .daysInMonth: self = .daysInMonth
        case .month: self = .month
        case .year: self = .year
        default: return nil
        }
    }

    /// The first day that Prometheus can name, 1 January of the year -292,277,022,399, in seconds before the epoch.
    ///
    /// Seconds are counted from it in 64 bits, round and round.
    private static let secondsBeforeEpoch: UInt64 = 9_223_372_028_715_321_600

    /// The field at a time; fractions of seconds are cut off.
    ///
    /// What is no number of seconds in 64 bits (NaN as well) is the least that is, as amd64 converts it.
    func value(of seconds: Double) -> Double {
        let whole = Int64(exactly: seconds.rounded(.towardZero)) ?? .min
        let counted = UInt64(bitPattern: whole) &+ Self.secondsBeforeEpoch
        let days = Int(counted / 86_400) - Int(Self.secondsBeforeEpoch / 86_400)
        let date = CivilDate(daysSinceEpoch: days, millisecondOfDay: Int(counted % 86_400) * 1000)
        switch self {
        case .minute: return Double(date.minute)
        case .hour: return Double(date.hour)
        case .dayOfWeek: return Double(date.weekday)
        case .dayOfMonth: return Double(date.day)
        case .dayOfYear: return Double(day(of: date) - CivilDate.daysSinceEpoch(year: date.year, month: 1, day: 1) + 1)
        case .daysInMonth:
            let next = date.month == 12 ? (date.year + 1, 1) : (date.year, date.month + 1)
            let first = CivilDate.daysSinceEpoch(year: date.year, month: date.month, day: 1)
            return Double(CivilDate.daysSinceEpoch(year: next.0, month: next.1, day: 1) - first)
        case .month: return Double(date.month)
        case .year: return Double(date.year)
        }
    }

    private func day(of date: CivilDate) -> Int {
        CivilDate.daysSinceEpoch(year: date.year, month: date.month, day: date.day)
    }
}

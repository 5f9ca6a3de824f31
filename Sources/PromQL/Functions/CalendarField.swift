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

    /// The farthest second from the epoch that has a date here: the year 292,000.
    private static let limitSeconds = 9.2e12

    /// The field at a time; fractions of seconds are cut off.
    ///
    /// A time that has no date gives NaN.
    func value(of seconds: Double) -> Double {
        guard seconds.magnitude < Self.limitSeconds else { return SpecialValue.notANumber }
        let date = CivilDate(Timestamp(milliseconds: Int64(seconds) * 1000))
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

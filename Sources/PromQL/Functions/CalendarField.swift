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

    /// The field at a time; fractions of seconds are cut off.
    func value(of seconds: Double) -> Double {
        // Outside of what fits, Go's conversion gives the smallest integer, whose date means as little as any.
        guard seconds.magnitude < 9.2e15 else { return SpecialValue.notANumber }
        let whole = Int64(seconds)
        let day = floorDivide(whole, 86_400)
        let secondOfDay = whole - day * 86_400
        switch self {
        case .minute: return Double(secondOfDay / 60 % 60)
        case .hour: return Double(secondOfDay / 3600)
        // The first of January 1970 was a Thursday.
        case .dayOfWeek: return Double((day % 7 + 11) % 7)
        default: break
        }
        let date = Self.date(ofDay: day)
        switch self {
        case .dayOfMonth: return Double(date.day)
        case .dayOfYear: return Double(day - Self.day(ofYear: date.year, month: 1, day: 1) + 1)
        case .daysInMonth:
            let next = date.month == 12 ? (date.year + 1, Int64(1)) : (date.year, date.month + 1)
            let first = Self.day(ofYear: date.year, month: date.month, day: 1)
            return Double(Self.day(ofYear: next.0, month: next.1, day: 1) - first)
        case .month: return Double(date.month)
        default: return Double(date.year)
        }
    }

    private func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    /// Days since the epoch of a date of the Gregorian calendar, after H.
    ///
    /// Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, so that the leap day is the last.
    private static func day(ofYear year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthIndex + 2) / 5 + 1)
    }
}

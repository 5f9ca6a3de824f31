import Bytes
import MetricModel

/// Numbers and durations from the text of their tokens.
enum NumberText {
    struct Fault: Error {
        var message: String
    }

    /// The value of a number token: integers first, with Go's prefixes (`0x1f`, `017` is 15), then floating point.
    static func value(_ text: String) throws(Fault) -> Double {
        switch text.lowercased() {
        case "inf": return .infinity
        case "nan": return SpecialValue.notANumber
        default: break
        }
        guard GoNumberText.hasSoundUnderscores(text) else { throw fault(text, "invalid syntax") }
        let digits = text.utf8.contains(UInt8(ascii: "_")) ? text.filter { $0 != "_" } : text
        let lowercase = digits.lowercased()
        if lowercase.hasPrefix("0x") {
            if let integer = Int64(lowercase.dropFirst(2), radix: 16) { return Double(integer) }
        } else if lowercase.utf8.count > 1, lowercase.hasPrefix("0"), let integer = Int64(lowercase, radix: 8) {
            return Double(integer)
        } else if let number = Double(lowercase) {
            guard number.isFinite else { throw fault(text, "value out of range") }
            return number
        }
        throw fault(text, "invalid syntax")
    }

    private static func fault(_ text: String, _ reason: String) -> Fault {
        Fault(message: "error parsing number: strconv.ParseFloat: parsing \(LabelName.quoted(text)): \(reason)")
    }

    /// Seconds of a duration token such as `1h30m`.
    static func seconds(_ text: String) throws(Fault) -> Double {
        do throws(DurationText.Fault) {
            return Double(try DurationText.parse(text)) / 1000
        } catch {
            switch error {
            case .malformed: throw Fault(message: "not a valid duration string: \(LabelName.quoted(text))")
            case .unknownUnit(let unit):
                throw Fault(
                    message: "unknown unit \(LabelName.quoted(unit)) in duration \(LabelName.quoted(text))")
            case .outOfRange: throw Fault(message: "duration out of range")
            }
        }
    }
}

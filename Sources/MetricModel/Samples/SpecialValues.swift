/// The two NaN payloads that carry meaning.
///
/// They are told apart by bits, never by `isNaN`.
package enum SpecialValue {
    /// The bits of Prometheus' staleness marker: the series ended here.
    @inlinable package static var staleBits: UInt64 { 0x7ff0_0000_0000_0002 }
    /// The bits of "no sample at this position", used in rows of a shared clock inside the process and on disk.
    ///
    /// It is never a sample: a value with these bits that comes from outside is stored as an ordinary NaN.
    @inlinable package static var absentBits: UInt64 { 0x7ff0_0000_0000_0003 }
    /// The bits of the NaN that arithmetic and parsers give.
    @inlinable package static var ordinaryNaNBits: UInt64 { 0x7ff8_0000_0000_0001 }

    @inlinable package static var stale: Double { Double(bitPattern: staleBits) }
    @inlinable package static var absent: Double { Double(bitPattern: absentBits) }
    @inlinable package static var notANumber: Double { Double(bitPattern: ordinaryNaNBits) }

    @inlinable package static func isStale(_ value: Double) -> Bool { value.bitPattern == staleBits }
    @inlinable package static func isAbsent(_ value: Double) -> Bool { value.bitPattern == absentBits }
}

import Glibc

/// The elementary functions with the last bits that Prometheus gives on amd64.
///
/// C libraries round most results correctly, Go's library does not: one result in five of a sine differs in its last
/// bit. It follows published methods, and so do these, operation by operation: FDLIBM (K. C. Ng and others, Sun
/// Microsystems, netlib.org/fdlibm) for logarithms, `exp2` and inverse hyperbolic functions; the Cephes library (S. L.
/// Moshier, netlib.org/cephes) for circular functions and the hyperbolic tangent; N. Shibata, "Efficient evaluation
/// methods of elementary functions suitable for SIMD computation" (ISC 2010), for `exp`, with fused multiplication as
/// every server has it; J. F. Hart and others, "Computer Approximations" (1968), no. 2029, for the hyperbolic sine.
package enum Elementary {
    /// The natural logarithm of two in two parts, the first with zeros at its end.
    static let ln2High = 6.93147180369123816490e-01
    static let ln2Low = 1.90821492927058770002e-10
    static let ln2 = 6.93147180559945286227e-01

    /// A polynomial by Horner's rule, the highest coefficient first.
    @inline(__always)
    static func polynomial<let count: Int>(_ variable: Double, _ coefficients: [count of Double]) -> Double {
        var sum = coefficients[0]
        for index in 1..<count { sum = sum * variable + coefficients[index] }
        return sum
    }

    /// A function that mirrors at the origin, from its values at positive numbers.
    @inline(__always)
    static func odd(_ value: Double, _ positive: (Double) -> Double) -> Double {
        value < 0 ? -positive(-value) : positive(value)
    }

    /// `value` times a power of two, rounded once.
    @inline(__always)
    static func scaled(_ value: Double, by exponent: Int) -> Double {
        scalbn(value, Int32(clamping: exponent))
    }
}

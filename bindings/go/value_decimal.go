package wool

import (
	"strconv"
	"strings"
)

// Decimal is a finite decimal number that keeps its scale ("1.10" is not "1.1"), as its canonical
// text: the scientific string of the General Decimal Arithmetic specification, which is what Python's
// str(Decimal) gives. [ParseDecimal] makes it from any decimal text, and encoding does so by itself.
type Decimal string

// ParseDecimal brings any decimal text, such as "+01.50e3", into its canonical form, "1.50E+3".
// Exponents have at most 18 digits.
func ParseDecimal(text string) (Decimal, error) {
	canonical, ok := canonicalDecimal(text)
	if !ok {
		return "", notDecimal(text)
	}
	return Decimal(canonical), nil
}

func notDecimal(text string) *ValueError {
	return invalidValue(strconv.Quote(shorten(text)) + " is no finite decimal number")
}

const maxExponentDigits = 18

func canonicalDecimal(text string) (canonical string, ok bool) {
	rest, negative := strings.CutPrefix(text, "-")
	if !negative {
		rest = strings.TrimPrefix(text, "+")
	}
	number := rest
	var exponent int64
	if at := strings.IndexAny(rest, "eE"); at >= 0 {
		var err error
		number = rest[:at]
		if exponent, err = strconv.ParseInt(rest[at+1:], 10, 64); err != nil {
			return "", false
		}
	}
	whole, fraction, _ := strings.Cut(number, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" || exponent < -1e18 || exponent > 1e18 {
		return "", false
	}
	coefficient := strings.TrimLeft(digits, "0")
	if coefficient == "" {
		coefficient = "0"
	}
	exponent -= int64(len(fraction))
	length := int64(len(coefficient))
	adjusted := exponent + length - 1

	var out strings.Builder
	if negative {
		out.WriteByte('-')
	}
	switch point := length + exponent; {
	case exponent > 0 || adjusted < -6:
		out.WriteString(coefficient[:1])
		if length > 1 {
			out.WriteByte('.')
			out.WriteString(coefficient[1:])
		}
		shown := strconv.FormatInt(adjusted, 10)
		if adjusted >= 0 {
			shown = "+" + shown
		}
		if len(shown)-1 > maxExponentDigits {
			return "", false
		}
		out.WriteByte('E')
		out.WriteString(shown)
	case point <= 0:
		out.WriteString("0.")
		out.WriteString(strings.Repeat("0", int(-point)))
		out.WriteString(coefficient)
	default:
		out.WriteString(coefficient[:point])
		if point < length {
			out.WriteByte('.')
			out.WriteString(coefficient[point:])
		}
	}
	return out.String(), true
}

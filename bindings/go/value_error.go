package wool

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ValueCode says what is wrong with a value. The words are the same in every language.
type ValueCode string

// What can be wrong with a value.
const (
	// ValueTruncated: the bytes end before the value does.
	ValueTruncated ValueCode = "truncated"
	// ValueTrailingBytes: there are bytes after the value.
	ValueTrailingBytes ValueCode = "trailing_bytes"
	// ValueReservedByte: the byte 0xc1, which MessagePack never uses.
	ValueReservedByte ValueCode = "reserved_byte"
	// ValueInvalidUTF8: a string that is not UTF-8.
	ValueInvalidUTF8 ValueCode = "invalid_utf8"
	// ValueDuplicateKey: a map with equal keys, a set with equal elements, two named arguments of
	// one name.
	ValueDuplicateKey ValueCode = "duplicate_key"
	// ValueNaNKey: a map key or set element that is, or holds, NaN.
	ValueNaNKey ValueCode = "nan_key"
	// ValueTooDeep: more than 128 containers enclose one another.
	ValueTooDeep ValueCode = "too_deep"
	// ValueTooLarge: longer than MessagePack can say.
	ValueTooLarge ValueCode = "too_large"
	// ValueUnknownExtension: an extension number that stands for nothing.
	ValueUnknownExtension ValueCode = "unknown_extension"
	// ValueInvalidExtension: an extension whose body is not what its number promises.
	ValueInvalidExtension ValueCode = "invalid_extension"
	// ValueInvalidArguments: bytes that hold a value, but not the arguments of a call.
	ValueInvalidArguments ValueCode = "invalid_arguments"
	// ValueKindMismatch: a value of another kind than the target's, or of none.
	ValueKindMismatch ValueCode = "kind_mismatch"
	// ValueOutOfRange: a value of the right kind that the target cannot hold.
	ValueOutOfRange ValueCode = "out_of_range"
	// ValueInvalid: text or parts that no value of this kind has.
	ValueInvalid ValueCode = "invalid_value"
	// ValueArgumentMismatch: too few, too many or wrongly named arguments.
	ValueArgumentMismatch ValueCode = "argument_mismatch"
)

// ValueError says what is wrong with a value, and where. errors.Is(err, [ErrCodec]) holds for it.
type ValueError struct {
	Code ValueCode
	// Message says it in words, without the path.
	Message string
	// path is what follows the "$".
	path string
	// subject is, of an argument, the routine and which argument it is; else empty.
	subject string
}

// Path is the place: "$" for the whole value, else such as $.items[3].name. Keys that are no plain
// words are quoted; $<key 2> is the third key of a map itself.
func (e *ValueError) Path() string { return "$" + e.path }

// Error is the message, after the path unless that is the whole value. Of an argument it begins with the
// routine and says which one it is.
func (e *ValueError) Error() string {
	switch {
	case e.subject != "" && e.path != "":
		return fmt.Sprintf("%s (%s): %s", e.subject, e.Path(), e.Message)
	case e.subject != "":
		return e.subject + ": " + e.Message
	case e.path != "":
		return e.Path() + ": " + e.Message
	default:
		return e.Message
	}
}

// Is reports whether target is [ErrCodec].
func (e *ValueError) Is(target error) bool { return target == ErrCodec }

// within moves the error into what encloses its value.
func (e *ValueError) within(segment string) *ValueError {
	e.path = segment + e.path
	return e
}

func (e *ValueError) atIndex(index int) *ValueError {
	return e.within(fmt.Sprintf("[%d]", index))
}

func (e *ValueError) inKey(index int) *ValueError {
	return e.within(fmt.Sprintf("<key %d>", index))
}

// atEntry places the error in the value under key, the index-th of its map.
func (e *ValueError) atEntry(key any, index int) *ValueError {
	switch key := key.(type) {
	case string:
		return e.atKey(key)
	case nil:
		return e.within("[null]")
	case bool, int64:
		return e.within(fmt.Sprintf("[%v]", key))
	default:
		return e.within(fmt.Sprintf("<value %d>", index))
	}
}

func (e *ValueError) atKey(key string) *ValueError {
	if isWord(key) && shorten(key) == key {
		return e.within("." + key)
	}
	return e.within(fmt.Sprintf("[%q]", shorten(key)))
}

func isWord(text string) bool {
	for i, letter := range text {
		if letter != '_' && !unicode.IsLetter(letter) && (i == 0 || !unicode.IsDigit(letter)) {
			return false
		}
	}
	return text != ""
}

// shorten keeps what a stranger has sent from filling an error message.
func shorten(text string) string {
	const most = 64
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return strings.ToValidUTF8(string([]rune(text)[:most]), "?") + "…"
}

func valueError(code ValueCode, message string) *ValueError {
	return &ValueError{Code: code, Message: message}
}

func mismatch(expected, found string) *ValueError {
	return valueError(ValueKindMismatch, "expected "+expected+", found "+found)
}

func outOfRange(found any, target string) *ValueError {
	return valueError(ValueOutOfRange, fmt.Sprintf("%v does not fit %s", found, target))
}

func invalidValue(message string) *ValueError {
	return valueError(ValueInvalid, message)
}

package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash/adler32"
	"net/url"
	"strconv"
	"strings"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// reportedWhole is the longest encoding that is reported as it is.
const reportedWhole = 4096

// textToken is one token for any text.
func textToken(text string) string {
	switch text {
	case "":
		return "-"
	case "-":
		return "%2D"
	}
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	var token strings.Builder
	for i := range len(text) {
		if strings.IndexByte(unreserved, text[i]) >= 0 {
			token.WriteByte(text[i])
		} else {
			fmt.Fprintf(&token, "%%%02X", text[i])
		}
	}
	return token.String()
}

// parseText is the text of a token.
func parseText(token string) (string, error) {
	if token == "-" {
		return "", nil
	}
	return url.PathUnescape(token)
}

// parseValue is the native value of a token.
func parseValue(token string) (any, error) {
	kind, rest, _ := strings.Cut(token, ":")
	switch kind {
	case "hex":
		data, err := hex.DecodeString(rest)
		if err != nil {
			return nil, fmt.Errorf("value %q: %w", token, err)
		}
		var value any
		err = wool.Unmarshal(data, &value)
		return value, err
	case "fill":
		size, seed, _ := strings.Cut(rest, ":")
		n, err := strconv.Atoi(size)
		if err != nil {
			return nil, fmt.Errorf("value %q: %w", token, err)
		}
		s, err := strconv.Atoi(seed)
		if err != nil {
			return nil, fmt.Errorf("value %q: %w", token, err)
		}
		return fill(n, s), nil
	default:
		return nil, fmt.Errorf("value %q is of no known kind", token)
	}
}

// parseValues reads "N VALUE*N" and returns what follows, too.
func parseValues(tokens []string) (values []any, rest []string, err error) {
	if len(tokens) == 0 {
		return nil, nil, errors.New("the number of values is missing")
	}
	n, err := strconv.Atoi(tokens[0])
	if err != nil || n < 0 || n > len(tokens)-1 {
		return nil, nil, fmt.Errorf("%q values are not what follows", tokens[0])
	}
	for _, token := range tokens[1 : 1+n] {
		value, err := parseValue(token)
		if err != nil {
			return nil, nil, err
		}
		values = append(values, value)
	}
	return values, tokens[1+n:], nil
}

// fill is a bytes value that a few characters describe.
func fill(n, seed int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(seed + i*31 + (i>>8)*17)
	}
	return b
}

// valueToken reports a native value.
func valueToken(value any) (string, error) {
	data, err := wool.Marshal(value)
	if err != nil {
		return "", err
	}
	if b, ok := value.([]byte); ok && len(data) > reportedWhole {
		return fmt.Sprintf("sum:%d:%08x", len(b), adler32.Checksum(b)), nil
	}
	return "hex:" + hex.EncodeToString(data), nil
}

// kindToken is the kind of an error.
func kindToken(err error) string {
	var failure *wool.Error
	if errors.As(err, &failure) {
		return failure.Kind.String()
	}
	if errors.Is(err, wool.ErrCodec) {
		return wool.ErrCodec.String()
	}
	return wool.ErrInternal.String()
}

// sayError reports an error as the outcome of a request.
func sayError(id string, err error) {
	failure := &wool.Error{}
	errors.As(err, &failure)
	say("error", id, kindToken(err), textToken(failure.Type), textToken(messageOf(err)),
		strconv.Itoa(len(failure.Traceback)), textToken(failure.Language), strconv.Itoa(causesOf(failure)), ownToken(err), retryableToken(err))
}

func retryableToken(err error) string {
	if wool.Retryable(err) {
		return "1"
	}
	return "0"
}

// causesOf counts an error's remote causes.
func causesOf(err *wool.Error) int {
	count := 0
	for {
		cause, ok := err.Cause.(*wool.Error)
		if !ok || cause.Language == "" {
			return count
		}
		err = cause
		count++
	}
}

// ownToken is the data of the registered error that errors.As finds.
func ownToken(err error) string {
	var own *outOfStock
	if !errors.As(err, &own) {
		return "-"
	}
	token, err := valueToken(own)
	if err != nil {
		return textToken(err.Error())
	}
	return token
}

// messageOf is an error's message as it came over the network, or as it is.
func messageOf(err error) string {
	var failure *wool.Error
	if errors.As(err, &failure) {
		return failure.Message
	}
	return err.Error()
}

// sayUnsupported refuses what the driver does not know.
func sayUnsupported(id, message string) {
	sayError(id, &wool.Error{Kind: wool.ErrUnsupported, Message: message})
}

//go:build !wool_pkgconfig

package wool

// #cgo CFLAGS: -I${SRCDIR}/../../include
// #cgo LDFLAGS: -L${SRCDIR}/../../target/release -lwool -Wl,-rpath,${SRCDIR}/../../target/release
import "C"

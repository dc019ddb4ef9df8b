//go:build wool_pkgconfig

package wool

// #cgo pkg-config: wool
import "C"

package wool

// The extension numbers of proto/values.md. They never change meaning.
const (
	extTimestamp int8 = -1
	extBigInt    int8 = 1
	extTuple     int8 = 2
	extSet       int8 = 3
	extDate      int8 = 4
	extTime      int8 = 5
	extDuration  int8 = 6
	extDecimal   int8 = 7
	extUUID      int8 = 8
	extNamed     int8 = 9
)

// maxDepth is how many containers (list, tuple, map, set, named) may enclose one another.
const maxDepth = 128

// First bytes of MessagePack. The one-byte forms (fixint, fixmap, fixarray, fixstr) are written where
// they are used.
const (
	tagNil      = 0xc0
	tagReserved = 0xc1
	tagFalse    = 0xc2
	tagTrue     = 0xc3
	tagBin8     = 0xc4
	tagBin16    = 0xc5
	tagBin32    = 0xc6
	tagExt8     = 0xc7
	tagExt16    = 0xc8
	tagExt32    = 0xc9
	tagFloat32  = 0xca
	tagFloat64  = 0xcb
	tagUint8    = 0xcc
	tagUint16   = 0xcd
	tagUint32   = 0xce
	tagUint64   = 0xcf
	tagInt8     = 0xd0
	tagInt16    = 0xd1
	tagInt32    = 0xd2
	tagInt64    = 0xd3
	tagFixExt1  = 0xd4
	tagFixExt2  = 0xd5
	tagFixExt4  = 0xd6
	tagFixExt8  = 0xd7
	tagFixExt16 = 0xd8
	tagStr8     = 0xd9
	tagStr16    = 0xda
	tagStr32    = 0xdb
	tagArray16  = 0xdc
	tagArray32  = 0xdd
	tagMap16    = 0xde
	tagMap32    = 0xdf
)

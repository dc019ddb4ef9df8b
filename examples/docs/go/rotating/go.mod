module github.com/wool-labs/libwool/examples/docs/go/rotating

go 1.23

require github.com/wool-labs/libwool/bindings/go v0.1.0

replace github.com/wool-labs/libwool/bindings/go => ../../../../bindings/go

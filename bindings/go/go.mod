module github.com/wool-labs/libwool/bindings/go

go 1.23

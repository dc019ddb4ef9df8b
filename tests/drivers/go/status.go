package main

import wool "github.com/wool-labs/libwool/bindings/go"

// statusOnWire is a pool's status as the map of docs/pool-status.md, where errors are kinds and messages.
type statusOnWire struct {
	wool.PoolStatus
	Problems []problemOnWire `wool:"problems"`
}

type problemOnWire struct {
	Kind    string `wool:"kind"`
	Message string `wool:"message"`
}

func statusValue(s wool.PoolStatus) statusOnWire {
	status := statusOnWire{PoolStatus: s}
	for _, problem := range s.Problems {
		status.Problems = append(status.Problems, problemOnWire{problem.Kind.String(), problem.Message})
	}
	return status
}

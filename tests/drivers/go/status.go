package main

import wool "github.com/wool-labs/libwool/bindings/go"

// statusValue is a pool's status as the map of docs/pool-status.md.
func statusValue(s wool.PoolStatus) map[string]any {
	counts := make(map[string]any)
	for reason, count := range s.TurnedAwayCounts {
		counts[string(reason)] = count
	}
	return map[string]any{
		"workers": listOf(s.Workers, workerValue),
		"turned_away": listOf(s.TurnedAway, func(t wool.TurnedAway) map[string]any {
			return map[string]any{"key": t.Key, "reason": string(t.Reason), "message": t.Message}
		}),
		"turned_away_counts": counts,
		"processes": listOf(s.Processes, func(p wool.ProcessStatus) map[string]any {
			return map[string]any{
				"slot": p.Slot, "pid": p.PID, "uid": p.UID, "state": string(p.State), "restarts": p.Restarts,
			}
		}),
		"waiting":        s.Waiting,
		"quorum_reached": s.QuorumReached,
		"problems": listOf(s.Problems, func(e *wool.Error) map[string]any {
			return map[string]any{"kind": e.Kind.String(), "message": e.Message}
		}),
	}
}

func workerValue(w wool.WorkerStatus) map[string]any {
	return map[string]any{
		"uid": w.UID, "address": w.Address, "origin": string(w.Origin), "state": string(w.State), "problem": w.Problem,
		"routines": listOf(w.Routines, func(r wool.RoutineStatus) map[string]any {
			return map[string]any{"name": r.Name, "kind": string(r.Kind)}
		}),
		"in_flight": w.InFlight, "capacity": w.Capacity,
		"tags":     listOf(w.Tags, func(tag string) string { return tag }),
		"language": w.Language, "version": w.Version, "pid": w.PID,
	}
}

func listOf[T, V any](items []T, value func(T) V) []any {
	list := make([]any, 0, len(items))
	for _, item := range items {
		list = append(list, value(item))
	}
	return list
}

package main

import (
	"cmp"
	"slices"
	"strings"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// balancer is the one that the options name; nil without one.
func (o driverOptions) balancer() wool.Balancer {
	switch o.text("balancer") {
	case "round_robin":
		return wool.RoundRobin
	case "least_loaded":
		return wool.LeastLoaded
	case "custom":
		return wool.BalancerFunc(chooseByTag)
	default:
		return nil
	}
}

// chooseByTag is the driver's own balancer.
func chooseByTag(choice wool.BalancerChoice) int {
	switch uid, named := strings.CutPrefix(choice.Tag, "to:"); {
	case named:
		return slices.IndexFunc(choice.Workers, func(w wool.BalancerWorker) bool { return w.UID == uid })
	case choice.Tag == "none":
		return -1
	case choice.Tag == "broken":
		panic("the balancer is broken")
	}
	least := slices.MinFunc(choice.Workers, func(a, b wool.BalancerWorker) int {
		return cmp.Or(cmp.Compare(a.InFlight, b.InFlight), strings.Compare(a.UID, b.UID))
	})
	return slices.IndexFunc(choice.Workers, func(w wool.BalancerWorker) bool { return w.UID == least.UID })
}

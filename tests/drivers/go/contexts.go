package main

import (
	"context"
	"errors"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// contextRoutines are those that read and change the context of their tasks.
func contextRoutines(c *counters) map[string]any {
	return map[string]any{
		"conf.context": func(ctx context.Context, namespace, name string) (any, error) {
			defer c.body()()
			return found(ctx, wool.ContextKey{Namespace: namespace, Name: name})
		},
		"conf.setcontext": func(ctx context.Context, namespace, name string, value any, depth int) (any, error) {
			defer c.body()()
			key := wool.ContextKey{Namespace: namespace, Name: name}
			if depth > 0 {
				if _, err := wool.CallFrom[any](ctx, "conf.setcontext", namespace, name, value, depth-1); err != nil {
					return nil, err
				}
			} else if err := set(ctx, key, value); err != nil {
				return nil, err
			}
			return found(ctx, key)
		},
		"conf.failcontext": func(ctx context.Context, namespace, name string, value any) error {
			defer c.body()()
			if err := set(ctx, wool.ContextKey{Namespace: namespace, Name: name}, value); err != nil {
				return err
			}
			return &namedError{"conf.Failed", "as asked"}
		},
		"conf.countcontext": func(ctx context.Context, y *wool.Yield[any, int64], namespace, name string) error {
			defer c.generator()()
			key := wool.ContextKey{Namespace: namespace, Name: name}
			for {
				value, err := found(ctx, key)
				if err != nil {
					return err
				}
				count, _ := value.(int64)
				if err := set(ctx, key, count+1); err != nil {
					return err
				}
				if _, err := y.Yield(count); err != nil {
					return err
				}
			}
		},
		"conf.owncontext": func(ctx context.Context, n any) ([]any, error) {
			defer c.body()()
			key := wool.ContextKey{Namespace: "conf", Name: "own"}
			if err := set(ctx, key, n); err != nil {
				return nil, err
			}
			there, err := wool.CallFrom[any](ctx, "conf.context", key.Namespace, key.Name)
			if err != nil {
				return nil, err
			}
			here, err := found(ctx, key)
			return []any{there, here}, err
		},
	}
}

// found is nil for nothing.
func found(ctx context.Context, key wool.ContextKey) (value any, err error) {
	_, err = wool.ContextValue(ctx, key, &value)
	return value, err
}

// set unsets with nil.
func set(ctx context.Context, key wool.ContextKey, value any) error {
	if value == nil {
		return wool.UnsetContextValue(ctx, key)
	}
	return wool.SetContextValue(ctx, key, value)
}

func (c *caller) bag(id string, rest []string) error {
	values, err := contextValues(rest)
	if err != nil {
		return err
	}
	ctx := wool.WithContextValues(context.Background())
	for key, value := range values {
		if err := wool.SetContextValue(ctx, key, value); err != nil {
			return err
		}
	}
	c.bags[id] = ctx
	say("bag", id)
	return nil
}

// inBag is a context that has been made, and a key.
func (c *caller) inBag(tokens []string) (context.Context, wool.ContextKey, error) {
	if len(tokens) < 3 || c.bags[tokens[0]] == nil {
		return nil, wool.ContextKey{}, errors.New("expected a context, a namespace and a name")
	}
	namespace, err := parseText(tokens[1])
	if err != nil {
		return nil, wool.ContextKey{}, err
	}
	name, err := parseText(tokens[2])
	return c.bags[tokens[0]], wool.ContextKey{Namespace: namespace, Name: name}, err
}

func (c *caller) bagSet(id string, rest []string) error {
	ctx, key, err := c.inBag(rest)
	if err != nil {
		return err
	}
	if len(rest) != 4 {
		return errors.New("expected a value")
	}
	if rest[3] == "-" {
		err = wool.UnsetContextValue(ctx, key)
	} else {
		var value any
		if value, err = parseValue(rest[3]); err != nil {
			return err
		}
		err = wool.SetContextValue(ctx, key, value)
	}
	if err != nil {
		return err
	}
	say("bagset", id)
	return nil
}

func (c *caller) bagGet(id string, rest []string) error {
	ctx, key, err := c.inBag(rest)
	if err != nil {
		return err
	}
	value, err := found(ctx, key)
	sayValue("result", id, value, err)
	return nil
}

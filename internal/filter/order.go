package filter

import (
	"fmt"
	"slices"
	"strings"

	"modeldb/internal/record"
)

// MaxOrders is how many keys an order may have.
const MaxOrders = 100

// ParseOrder reads the keys of an order, each "field", "field ASC" or "field
// DESC". It returns what was asked for and no more; Complete adds the rest.
// A key that is there twice is refused, but for experiments, where only its
// first counts. An error is of kind record.Invalid, and has MLflow's words at
// its beginning. Orders of logged models are not texts: see OrderOf.
func ParseOrder(g Grammar, clauses []string) ([]Order, error) {
	if err := checkOrders(len(clauses)); err != nil {
		return nil, err
	}
	var orders []Order
	for _, clause := range clauses {
		o, err := parseOrder(g, clause)
		if err != nil {
			return nil, err
		}
		switch twice := slices.ContainsFunc(orders, o.sameField); {
		case !twice:
			orders = append(orders, o)
		case g != Experiments:
			return nil, badOrder("`order_by` contains duplicate fields: %s (expected each field once)", pythonList(clauses))
		}
	}
	return orders, nil
}

func checkOrders(n int) error {
	if n > MaxOrders {
		return badOrder("`order_by` has %d keys; at most %d are allowed", n, MaxOrders)
	}
	return nil
}

func badOrder(format string, args ...any) error {
	return record.Invalid.Errorf("order_by", format, args...)
}

func (o Order) sameField(q Order) bool { return o.Entity == q.Entity && o.Key == q.Key }

func parseOrder(g Grammar, clause string) (Order, error) {
	if len(clause) > MaxText {
		return Order{}, badOrder("Invalid order_by clause '%s'. Could not be parsed. (expected at most %d bytes)", shown(clause), MaxText)
	}
	p := parser{table: g.table(), text: strings.ToValidUTF8(clause, "\uFFFD")}
	p.next()
	t := p.tok
	if t.kind != name && (t.kind != quoted || t.quote == '\'') || p.at("ASC") || p.at("DESC") {
		return Order{}, unreadableOrder(clause)
	}
	p.next()
	desc, err := p.direction(clause)
	if err != nil {
		return Order{}, err
	}
	return p.orderField(g, t, desc)
}

func unreadableOrder(clause string) error {
	return badOrder("Invalid order_by clause '%s'. Could not be parsed. (expected a field, then ASC, DESC or nothing)", shown(clause))
}

// direction reads what may follow a field.
func (p *parser) direction(clause string) (desc bool, err error) {
	if p.tok.kind == atEnd {
		return false, nil
	}
	word := p.tok.kind == name
	desc = p.at("DESC")
	known := desc || p.at("ASC")
	p.next()
	switch {
	case p.tok.kind != atEnd || !word:
		return false, unreadableOrder(clause)
	case !known:
		return false, badOrder("Invalid ordering key in order_by clause '%s'. (expected ASC or DESC after the field)", shown(clause))
	}
	return desc, nil
}

// orderField resolves the field of an order.
func (p *parser) orderField(g Grammar, t token, desc bool) (Order, error) {
	if g == RegisteredModels {
		return p.registeredModelOrder(t, desc)
	}
	f, err := p.field(t, inOrders)
	if err != nil {
		return Order{}, badOrder("%s", err.Error())
	}
	switch {
	case f.entity == Dataset:
		return Order{}, badOrder("Invalid identifier type 'dataset' (expected a metric, parameter, tag or attribute)")
	case f.entity == Tag && g != Runs:
		return Order{}, badOrder("Invalid order_by entity: tag (expected an attribute)")
	}
	return orderOf(f, desc), nil
}

func inOrders(a *attribute) bool { return a.order != unordered }

func orderOf(f *field, desc bool) Order {
	numeric := f.numeric || f.attr != nil && f.attr.order == orderedAsNumber
	return Order{Entity: f.entity, Key: f.key, Desc: desc, Numeric: numeric}
}

// registeredModelOrder knows bare keys only, as MLflow does.
func (p *parser) registeredModelOrder(t token, desc bool) (Order, error) {
	a := p.attribute(t.body)
	if t.dotted || a == nil || !inOrders(a) {
		return Order{}, badOrder("Invalid order by key '%s' specified. Valid keys are '{'name', 'timestamp'}'", shown(p.text[t.pos:t.end]))
	}
	return Order{Key: a.canonical(), Desc: desc, Numeric: a.numeric}, nil
}

// OrderOf returns the order by one field of logged models' order_by objects:
// an attribute, or metrics. and the name of a metric as it is. The datasets of
// the object are for the caller to add.
func OrderOf(g Grammar, field string, desc bool) (Order, error) {
	t := g.table()
	if len(field) > record.MaxKey*4+len("metrics.") {
		return Order{}, badOrder("Invalid order by field name: %s (expected at most %d characters)", shown(field), record.MaxKey)
	}
	entity, key, dotted := strings.Cut(field, ".")
	switch {
	case dotted && entity == "metrics" && t.keys[Metric] != 0:
		return Order{Entity: Metric, Key: trimBackticks(key), Desc: desc, Numeric: true}, nil
	case dotted && entity != "attributes":
		return Order{}, badOrder("Invalid order by field name: %s. Only metrics are supported. (expected an attribute, or metrics.<name>)", shown(field))
	case !dotted:
		key = field
	}
	a := t.attribute(strings.TrimSpace(key))
	if a == nil || !inOrders(a) {
		return Order{}, badOrder("Invalid order by field name: %s (expected one of %s, or metrics.<name>)", shown(field), t.names(inOrders))
	}
	return Order{Key: a.canonical(), Desc: desc, Numeric: a.numeric || a.order == orderedAsNumber}, nil
}

func trimBackticks(key string) string {
	if len(key) >= 2 && key[0] == '`' && key[len(key)-1] == '`' {
		return key[1 : len(key)-1]
	}
	return key
}

// Complete returns the orders, or the grammar's own when there are none, and
// after them the keys that MLflow breaks ties with, so that they order all
// rows. For runs these are start_time DESC, run_id.
func Complete(g Grammar, orders []Order) []Order {
	t := g.table()
	if len(orders) == 0 && t.fallback != nil {
		return slices.Clone(t.fallback)
	}
	all := slices.Clone(orders)
	for _, o := range t.ties {
		if !slices.ContainsFunc(all, o.sameField) {
			all = append(all, o)
		}
	}
	return all
}

// String returns the order as ParseOrder reads it.
func (o Order) String() string {
	b := appendKey([]byte(heads[o.Entity]), o.Key)
	if o.Desc {
		b = append(b, " DESC"...)
	}
	if o.DatasetName != "" || o.DatasetDigest != "" {
		b = fmt.Appendf(b, " ON %q %q", o.DatasetName, o.DatasetDigest)
	}
	return string(b)
}

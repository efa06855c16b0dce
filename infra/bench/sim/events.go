package sim

import (
	"container/heap"
	"math/rand/v2"
	"sort"
)

// Counted is what a simulation event by event counted.
type Counted struct {
	Requests, Queries, Loads, Starts int
	// Environments is how many there were on average over time.
	Environments float64
}

// Simulate plays a scenario at its mean rate for a number of requests, after a tenth as many that do not count: requests come at
// random moments (Poisson), each goes to any free environment or starts one, and environments end and forget as they do in
// the closed form. The same seed gives the same result.
func Simulate(s Scenario, requests int, seed uint64) (Counted, error) {
	if err := s.Validate(); err != nil {
		return Counted{}, err
	}
	w := newWorld(s)
	p := play{world: w, dice: rand.New(rand.NewPCG(seed, 0)), cumulative: make([]float64, len(w.shares))}
	sum := 0.0
	for i, share := range w.shares {
		sum += share
		p.cumulative[i] = sum
	}
	for range requests / 10 {
		p.request()
	}
	p.counted = Counted{}
	p.weight, p.since = 0, p.now
	for range requests {
		p.request()
	}
	p.counted.Environments = p.weight / (p.now - p.since)
	return p.counted, nil
}

// play is a simulation under way. Times are in seconds.
type play struct {
	world      *world
	dice       *rand.Rand
	cumulative []float64
	now, since float64
	weight     float64 // environments times seconds
	alive      int
	free       []*instance // in no order; some may have ended since
	busy       instances
	counted    Counted
}

// instance is an environment: its tenants are resident, the one used last at the end.
type instance struct {
	born, until float64 // until is when its request ends, or ended
	resident    []int
	bytes       float64
}

// instances are the busy ones, the first to be done on top of the heap.
type instances []*instance

func (h instances) Len() int           { return len(h) }
func (h instances) Less(i, j int) bool { return h[i].until < h[j].until }
func (h instances) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *instances) Push(x any)        { *h = append(*h, x.(*instance)) }
func (h *instances) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// request lets the time pass until the next request, and serves it.
func (p *play) request() {
	p.pass(p.dice.ExpFloat64() / p.world.rate())
	p.counted.Requests++
	e := p.take()
	tenant := min(sort.SearchFloat64s(p.cumulative, p.dice.Float64()), p.world.Tenants-1)
	seconds := p.world.warmTime()
	if p.dice.Float64() < queryShare {
		p.counted.Queries++
		if p.world.bytes[tenant] > 0 && !e.uses(tenant, p.world) {
			p.counted.Loads++
			seconds += p.world.loadTime(p.world.sizes[tenant], 1).Seconds()
		}
	}
	e.until = p.now + seconds
	heap.Push(&p.busy, e)
}

// pass moves the time on, to the end of each request on the way, and ends what has been idle for too long or has lived its life.
func (p *play) pass(seconds float64) {
	next := p.now + seconds
	for len(p.busy) > 0 && p.busy[0].until <= next {
		p.free = append(p.free, heap.Pop(&p.busy).(*instance))
	}
	kept := p.free[:0]
	for _, e := range p.free {
		end := min(e.until+idleLife.Seconds(), max(e.until, e.born+wholeLife.Seconds()))
		if end > next {
			kept = append(kept, e)
			continue
		}
		p.weight -= next - max(end, p.now) // it was not there for the rest of the stretch
		p.alive--
	}
	ended := len(p.free) - len(kept)
	p.free = kept
	p.weight += float64(p.alive+ended) * seconds
	p.now = next
}

// take returns a free environment, any of them, or a new one.
func (p *play) take() *instance {
	if len(p.free) == 0 {
		p.counted.Starts++
		p.alive++
		return &instance{born: p.now}
	}
	i := p.dice.IntN(len(p.free))
	e := p.free[i]
	p.free[i] = p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	return e
}

// uses makes a tenant resident, as the one used last, at the cost of those not used for longest. It reports whether it was.
func (e *instance) uses(tenant int, w *world) bool {
	for i, t := range e.resident {
		if t == tenant {
			e.resident = append(append(e.resident[:i], e.resident[i+1:]...), tenant)
			return true
		}
	}
	e.resident = append(e.resident, tenant)
	for e.bytes += w.bytes[tenant]; e.bytes > budget(w.mb) && len(e.resident) > 1; e.resident = e.resident[1:] {
		e.bytes -= w.bytes[e.resident[0]]
	}
	return false
}

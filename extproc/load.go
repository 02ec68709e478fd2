package extproc

import "time"

// wait is a request that was sent to the first backend of its plan and has no answer yet.
type wait struct {
	model string
	since time.Time
}

// sent begins the wait.
func (x *exchange) sent() {
	if x.gateway.Load == nil {
		return
	}
	x.wait = wait{x.plan.Tiers[0].Model, time.Now()}
	x.gateway.Load.Sent(x.wait.model)
}

// left ends the wait, if there is one.
func (x *exchange) left() {
	if x.wait.model != "" {
		x.gateway.Load.Left(x.wait.model)
	}
	x.wait = wait{}
}

// heard ends the wait with an answer, of the tier numbered answered (from 0), and tells how all the backends did that were asked: the earlier ones failed,
// and of a later one nobody knows when it was asked.
func (x *exchange) heard(a *ask, answered int) {
	if x.wait.model == "" {
		return
	}
	took := time.Since(x.wait.since)
	x.left()
	for i := range answered {
		x.gateway.Load.Told(x.plan.Tiers[i].Model, 0, true)
	}
	if answered > 0 {
		took = 0
	}
	status := statusOf(a.headers)
	x.gateway.Load.Told(x.plan.Tiers[answered].Model, took, status >= 500 || status == 429)
}

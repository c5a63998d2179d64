package lambda

import "time"

// SetInitLimit shortens Lambda's ten seconds, which no test should wait for.
func SetInitLimit(f *Function, d time.Duration) { f.initLimit = d }

// SetIdleLimit shortens how long an environment may be idle.
func SetIdleLimit(f *Function, d time.Duration) { f.idleLimit = d }

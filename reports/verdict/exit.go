package verdict

import (
	"slices"

	"blackout/harness/history"
)

// Exit codes.
const (
	ExitPass         = 0
	ExitFail         = 1
	ExitUsage        = 2 // usage or file error: nothing ran
	ExitInconclusive = 3 // inconclusive, or not applicable though the user named the scenario
	ExitEnvironment  = 4 // the environment or the app file is at fault
	ExitInterrupted  = 130
)

// ExitCode is the exit code of one run. How the run ended comes first: interrupted 130, aborted 4. named says that the user asked for this very scenario; one that came
// along in a suite may be not applicable.
func ExitCode(v *Verdict, named bool) int {
	switch {
	case v.Ended == history.EndInterrupted:
		return ExitInterrupted
	case v.Ended == history.EndAborted:
		return ExitEnvironment
	case v.Verdict == Pass:
		return ExitPass
	case v.Verdict == Fail:
		return ExitFail
	case v.Verdict == NotApplicable && !named:
		return ExitPass
	default:
		return ExitInconclusive
	}
}

// exitOrder lists the codes from the gravest: without a file that can be read nothing is known, an interrupt is the user's own wish, a failure is news, and trouble with
// the environment or with a verdict only says to try again.
var exitOrder = []int{ExitUsage, ExitInterrupted, ExitFail, ExitEnvironment, ExitInconclusive, ExitPass}

// WorstExit is the exit code of many runs: 2 > 130 > 1 > 4 > 3 > 0. It is 0 without runs. A code that is none of these comes before all.
func WorstExit(codes ...int) int {
	worst := ExitPass
	for _, c := range codes {
		if slices.Index(exitOrder, c) < slices.Index(exitOrder, worst) {
			worst = c
		}
	}
	return worst
}

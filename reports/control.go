package reports

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"blackout/reports/verdict"
)

// ControlSuffix is what a control's id, and so its folder beside the run's, has after the run's.
const ControlSuffix = "-control"

// heldAgainstControl holds the verdict of the run in dir against the run's control, if it has one: the folder beside it, judged again as the run is. Where only the
// run's folder was kept, what its last verdict.json recorded of the control stands. A control that cannot be read vouches for nothing.
func heldAgainstControl(dir string, v *verdict.Verdict) *verdict.Verdict {
	if v.Run.Control {
		return v
	}
	id := v.Run.ID + ControlSuffix
	_, control, err := judged(filepath.Join(filepath.Dir(filepath.Clean(dir)), id))
	if errors.Is(err, fs.ErrNotExist) {
		return heldAgainstRecord(dir, v)
	}
	if err != nil {
		return verdict.WithRecorded(v, verdict.Control{Run: id, Verdict: verdict.Inconclusive, Reasons: []string{"the control, without faults, cannot be read: " + err.Error()}})
	}
	return verdict.WithControl(v, control.Verdict)
}

// heldAgainstRecord takes the control from the verdict.json that is about to be replaced. One that is missing, broken or of another run says nothing.
func heldAgainstRecord(dir string, v *verdict.Verdict) *verdict.Verdict {
	var last verdict.Verdict
	text, err := os.ReadFile(filepath.Join(dir, VerdictName))
	if err != nil || json.Unmarshal(text, &last) != nil || last.Control == nil || last.Run.ID != v.Run.ID {
		return v
	}
	return verdict.WithRecorded(v, *last.Control)
}

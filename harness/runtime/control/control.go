// Package control is how a cell that runs in a container and the process that started it speak to each other: HTTP over a socket in a folder that the two share.
// The cell asks; the process outside, which alone may use the container engine, answers.
//
//	GET  /order                     the order, as package run reads it; the answer goes on while the run may, and its end stops the cell
//	POST /lines                     the history's lines, as they are written
//	POST /services/WHEN             starts what a compose file has beside the app: before it, or after it; the answer comes when all of that is there
//	POST /instances/NAME/start      starts an instance; the answer is a line of JSON for each thing that happens to it: Event
//	POST /instances/NAME/VERB       kill, pause, resume, stop
//
// Nobody else reaches the socket: it lies in no file system that the app has. So a call needs no token.
package control

import (
	"path/filepath"
	"strconv"
	"time"
)

// Socket is the name of the socket in the shared folder.
const Socket = "control"

// AppSocket is the path of the socket in the shared folder at which the cell opens an instance to the machine, by its place among the app's.
func AppSocket(folder string, index int) string {
	return filepath.Join(folder, "app-"+strconv.Itoa(index))
}

// Launch is what starting an instance takes, beside its image.
type Launch struct {
	Env []string `json:"env"` // NAME=value
	// Files are what the instance finds in the place of the image's own, by absolute path.
	Files map[string][]byte `json:"files,omitempty"`
}

// Event is one thing that happens to an instance. The first has Started or Error set, the last Ended or Error.
type Event struct {
	Started bool   `json:"started,omitempty"`
	Out     []byte `json:"out,omitempty"`   // it printed this
	Ended   string `json:"ended,omitempty"` // how: "exit status 1"
	Lost    string `json:"lost,omitempty"`  // with Ended: what it printed is not all there, and why
	Error   string `json:"error,omitempty"` // it could not be started, or seen to its end
}

// Verbs of what is done to an instance.
const (
	start  = "start"
	kill   = "kill"
	pause  = "pause"
	resume = "resume"
	stop   = "stop"
)

// When services start, seen from the app.
const (
	Before = "before"
	After  = "after"
)

// headerBound is how long a request may take to be read.
const headerBound = 10 * time.Second

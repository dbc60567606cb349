package private

import (
	"errors"
	"os"
)

// ErrSystem is why there is no private network on another system than Linux.
var ErrSystem = errors.New("private networks are made of Linux namespaces, and this is another system")

// User is who a process is outside.
type User struct {
	UID int `json:"uid"`
	GID int `json:"gid"`
}

// Self is the user of this process.
func Self() User { return User{os.Getuid(), os.Getgid()} }

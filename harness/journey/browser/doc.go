// Package browser is what a person has before them: one Chromium for a run, one browser context for each session with cookies of its own, and tabs in it.
//
//	Find ──▶ Start ──▶ Ready ──▶ Take ──▶ Visit ──▶ Picture ──▶ Give … ──▶ Close
//
// The browser is a process of the run like the app: under the app's user, in the app's network, in a process group of its own, with a fresh folder as its home. It is
// driven over a pipe (the DevTools protocol, by chromedp), so no port is opened that a program of the machine could use, and it ends when the pipe does.
//
// Trust. Chromium looks for further authorities in an NSS database in its home: the run's own authority is all that lies there (see authority.go). Certificates are checked as
// on any user's machine, so a page feels a certificate that has expired or is for another name. The other way, --ignore-certificate-errors-spki-list, was not taken: a chain
// with a listed key in it is excused of every error.
//
// Sandbox. Chromium keeps its sandbox, which it makes of namespaces within the run's own, unless it would run as root, where it refuses to: then it runs without. The pages
// are those of the app under test, which runs beside it as the same user anyway.
//
// Tried with Chromium 148 on Linux 6.18, as root and as an ordinary user, in a private network and in the machine's.
package browser

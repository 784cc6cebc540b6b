package render

import "errors"

// ErrRunaway says that a render was given up while it goes on taking memory or
// time: nothing can stop it, so the process should come to its end soon.
var ErrRunaway = errors.New("the render was given up")

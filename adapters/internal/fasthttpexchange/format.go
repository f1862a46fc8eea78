package fasthttpexchange

import (
	"fmt"
	"io"
)

// An Exchange holds the session and its cookies, so that it prints as its name under every verb, as whichever of its
// types. fmt would go through its fields otherwise.

// Format keeps the session out of logs.
func (x *Exchange) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "session.Exchange") }

func (x *exchange) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "session.Exchange") }

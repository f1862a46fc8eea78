package session

// foreignLine is a Set-Cookie line for another system's cookie.
type foreignLine struct {
	name, line string
}

// setForeign notes what the response has to do to another system's cookie.
func (r *rare) setForeign(im *importer, line string) {
	for i := range r.foreign {
		if r.foreign[i].name == im.cookie.name {
			r.foreign[i].line = line
			return
		}
	}
	r.foreign = append(r.foreign, foreignLine{im.cookie.name, line})
}

// dropForeign notes that the response has to delete another system's cookie.
func (r *rare) dropForeign(im *importer) { r.setForeign(im, im.cookie.delete()) }

// setForeignCookies sets and deletes other systems' cookies. The one that a session was made of goes once the response
// carries the session's own, or deletes that.
func (s *Session) setForeignCookies(st *state, line string) {
	r := st.rare
	if r == nil || r.importer == nil && r.foreign == nil || s.client.isBearer() {
		return
	}
	if im := r.importer; im != nil && im.Mirror == nil && s.carries(line) {
		r.dropForeign(im)
	}
	for _, f := range r.foreign {
		s.x.SetCookie(f.name, f.line)
		s.keepFromCaches()
	}
}

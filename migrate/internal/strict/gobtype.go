package strict

// describe reads the description of a type: encoding/gob's wireType, a struct of which one field is set.
func (s *gobScan) describe(id int64) {
	t := &gobType{}
	if id < firstOwnGobType || s.types[id] != nil {
		s.fail("a gob that describes a type twice")
	}
	s.fields(func(kind int) {
		if t.kind != 0 || kind+1 > gobEncoder+2 {
			s.fail("a gob with a type of no kind")
		}
		t.kind = kind + 1
		s.fields(func(n int) { s.describePart(t, n) })
	})
	if t.kind == 0 {
		s.fail("a gob with a type of no kind")
	}
	s.types[id] = t
}

// describePart reads a field of arrayType, sliceType, structType, mapType or gobEncoderType. The first is what they
// share: a name and an id, which say nothing more here.
func (s *gobScan) describePart(t *gobType, n int) {
	switch {
	case n == 0:
		s.fields(func(n int) { s.nameOrID(n, &gobField{}) })
	case t.kind == gobArray && n == 1, t.kind == gobSlice && n == 1, t.kind == gobMap && n == 2:
		t.elem = s.int()
	case t.kind == gobMap && n == 1:
		t.key = s.int()
	case t.kind == gobArray && n == 2:
		_ = s.int() // its length, which the type that is decoded into has too
	case t.kind == gobStruct && n == 1:
		s.repeat(func() {
			var field gobField
			s.fields(func(n int) { s.nameOrID(n, &field) })
			t.fields = append(t.fields, field)
		})
	default:
		s.fail("a gob with an unknown description of a type")
	}
}

// nameOrID reads a field of CommonType or fieldType.
func (s *gobScan) nameOrID(n int, to *gobField) {
	switch n {
	case 0:
		to.name = string(s.bytes(s.uint()))
	case 1:
		to.id = s.int()
	default:
		s.fail("a gob with an unknown description of a type")
	}
}

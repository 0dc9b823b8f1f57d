package capture

// spares is how many pairs of device programs wait loaded for interfaces that
// have not appeared yet: loading takes longer than a new interface waits before
// its first packet, attaching does not.
const spares = 4

// takeHooks returns loaded programs for a new interface.
func (s *Source) takeHooks(l2 uint16, plan Plan) (*hooks, error) {
	if l2 == spareLink && plan == (Plan{}) && len(s.spare) > 0 {
		h := s.spare[len(s.spare)-1]
		s.spare = s.spare[:len(s.spare)-1]
		delete(s.reserved, h.slot)
		return h, nil
	}
	slot, err := s.freeSlot()
	if err != nil {
		return nil, err
	}
	return s.loadHooks(slot, l2, plan)
}

const spareLink = 14

// wantSpares has the spares topped up in the background.
func (s *Source) wantSpares() {
	select {
	case s.refills <- struct{}{}:
	default: // it is going to be
	}
}

func (s *Source) keepSpares() {
	defer s.background.Done()
	for {
		select {
		case <-s.stop:
			return
		case <-s.refills:
			s.refill()
		}
	}
}

// refill tops up the spares.
func (s *Source) refill() {
	s.filling.Lock()
	defer s.filling.Unlock()
	for {
		s.mu.Lock()
		slot, err := s.freeSlot()
		if err != nil || len(s.spare) >= spares || s.closed {
			s.mu.Unlock()
			return
		}
		s.reserved[slot] = true
		s.mu.Unlock()

		h, err := s.loadHooks(slot, spareLink, Plan{})
		s.mu.Lock()
		if err != nil || s.closed {
			delete(s.reserved, slot)
			if h != nil {
				h.close()
			}
			s.mu.Unlock()
			return
		}
		s.spare = append(s.spare, h)
		s.mu.Unlock()
	}
}

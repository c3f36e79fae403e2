// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	opQuery     = 2004
	opMsg       = 2013
	headerSize  = 16
	frameMax    = 48_000_000 // maxMessageSizeBytes
	moreToCome  = 1 << 1     // no answer is wanted
	connMax     = 512
	answerLimit = time.Minute
)

// A gate passes what clients send on to FerretDB, one command at a time.
type gate struct {
	inside string // FerretDB's socket
	tls    *tls.Config
	scram  *scramServer // nil: nobody need prove who he is
	set    *replicaSet  // nil: a server by itself
	lose   uint64
	losing atomic.Bool

	one    sync.Mutex // who holds it may talk to FerretDB
	writes uint64     // under one
}

// A door is an address of the gate's: of each member, in a replica set.
type door struct {
	*gate
	mu       sync.Mutex
	addr     string
	listener net.Listener // nil: closed
	conns    map[net.Conn]bool
}

func (d *door) isOpen() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.listener != nil
}

// open listens where it did before, on the port it was given the first time.
func (d *door) open() error {
	l, err := net.Listen("tcp", d.addr)
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.addr = l.Addr().String()
	if d.tls != nil {
		l = tls.NewListener(l, d.tls)
	}
	d.listener, d.conns = l, map[net.Conn]bool{}
	d.mu.Unlock()
	go d.accept(l)
	return nil
}

func (d *door) close() {
	d.mu.Lock()
	d.listener.Close()
	d.listener = nil
	d.mu.Unlock()
	d.hangUp()
}

func (d *door) hangUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		c.Close()
	}
}

func (d *door) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		d.mu.Lock()
		if d.listener != l || len(d.conns) >= connMax {
			c.Close()
		} else {
			d.conns[c] = true
			go d.serve(c)
		}
		d.mu.Unlock()
	}
}

func (d *door) serve(c net.Conn) {
	defer func() {
		c.Close()
		d.mu.Lock()
		delete(d.conns, c)
		d.mu.Unlock()
	}()
	db, err := net.Dial("unix", d.inside)
	if err != nil {
		log.Print(err)
		return
	}
	defer db.Close()
	who := d.scram.begin()
	for {
		ask, err := readFrame(c)
		if err != nil {
			return
		}
		answer := who.answer(ask)
		if answer == nil {
			answer = d.set.refuse(d, ask)
		}
		if answer == nil {
			if answer, err = d.pass(db, ask); err != nil {
				return
			}
			if isHello(ask) {
				answer = addTo(answer, who.greeting(),
					d.set.greeting(d))
			}
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

var errLost = errors.New("lost on purpose")

// pass has FerretDB answer, while everybody else waits who wants more than to
// know whether it is there.
func (g *gate) pass(db net.Conn, ask []byte) ([]byte, error) {
	if !isHello(ask) && command(ask) != "ping" {
		g.one.Lock()
		defer g.one.Unlock()
	}
	turn := uint64(0)
	if g.lose > 0 && g.losing.Load() && isWrite(ask) {
		g.writes++
		if g.writes%g.lose == 0 {
			turn = 1 + g.writes/g.lose%2
		}
	}
	if turn == 1 {
		return nil, errLost
	}
	db.SetDeadline(time.Now().Add(answerLimit))
	if _, err := db.Write(ask); err != nil {
		return nil, err
	}
	if opcode(ask) == opMsg && ask[headerSize]&moreToCome != 0 {
		return nil, nil
	}
	answer, err := readFrame(db)
	if turn == 2 {
		err = errLost
	}
	return answer, err
}

// readFrame reads one message of a kind that we know the parts of.
func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(size[:])
	if n < headerSize+5 || n > frameMax {
		return nil, errors.New("a frame of a wrong size")
	}
	frame := make([]byte, n)
	copy(frame, size[:])
	if _, err := io.ReadFull(r, frame[4:]); err != nil {
		return nil, err
	}
	return frame, nil
}

func opcode(frame []byte) uint32 {
	return binary.LittleEndian.Uint32(frame[12:])
}

// body is the document of a command: the first section of OP_MSG, which every
// driver sends first, or the query of OP_QUERY. Nil: neither.
func body(frame []byte) []byte {
	rest := frame[headerSize:]
	switch {
	case opcode(frame) == opMsg && rest[4] == 0:
		return rest[5:]
	case opcode(frame) == opQuery:
		for i := 4; i < len(rest); i++ {
			// flags, name, 0, skip, number to return
			if rest[i] == 0 && len(rest) > i+9 {
				return rest[i+9:]
			}
		}
	}
	return nil
}

// command is the key of the first element, which names the command.
func command(frame []byte) string {
	b := body(frame)
	if len(b) < 6 {
		return ""
	}
	b = b[5:]
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return ""
}

func isHello(frame []byte) bool {
	switch command(frame) {
	case "hello", "isMaster", "ismaster":
		return true
	}
	return false
}

func isWrite(frame []byte) bool {
	switch command(frame) {
	case "insert", "update", "delete", "findAndModify", "findandmodify":
		return true
	}
	return false
}

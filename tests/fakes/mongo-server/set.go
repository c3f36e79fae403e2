// SPDX-License-Identifier: Apache-2.0

package main

import (
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

const election = 2 * time.Second

// A replicaSet is several doors to the same data, one of which is the
// primary: what its members tell of it, not how they replicate.
type replicaSet struct {
	name    string
	members []*door

	mu      sync.Mutex
	primary int // -1: an election
	term    byte
}

// failOver has the primary step down, hang up, and the next one follow it.
func (s *replicaSet) failOver() {
	if s == nil {
		return
	}
	s.mu.Lock()
	old := s.primary
	s.primary = -1
	s.mu.Unlock()
	if old < 0 {
		return // in the middle of it
	}
	s.members[old].hangUp()
	time.AfterFunc(election, func() {
		s.mu.Lock()
		s.primary = (old + 1) % len(s.members)
		s.term++
		s.mu.Unlock()
	})
}

// refuse answers what only a primary may be asked; nil: it may be.
func (s *replicaSet) refuse(d *door, ask []byte) []byte {
	if s == nil || isHello(ask) || command(ask) == "ping" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.primary >= 0 && s.members[s.primary] == d {
		return nil
	}
	if isWrite(ask) {
		return reply(ask, bson.M{"ok": 0.0, "code": 10107,
			"codeName": "NotWritablePrimary", "errmsg": "not primary"})
	}
	return reply(ask, bson.M{"ok": 0.0, "code": 13435,
		"codeName": "NotPrimaryNoSecondaryOk",
		"errmsg":   "not primary and secondaryOk=false"})
}

// greeting is what a member's answer to a hello has of the set.
func (s *replicaSet) greeting(d *door) bson.M {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	hosts := bson.A{}
	for _, m := range s.members {
		hosts = append(hosts, m.addr)
	}
	is := s.primary >= 0 && s.members[s.primary] == d
	m := bson.M{"setName": s.name, "setVersion": 1, "hosts": hosts,
		"me": d.addr, "secondary": !is, "ismaster": is,
		"isWritablePrimary": is}
	if is {
		m["primary"] = d.addr
		m["electionId"] = primitive.ObjectID{11: s.term}
	}
	return m
}

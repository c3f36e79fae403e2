// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"errors"
	"log"
	"strings"

	"github.com/xdg-go/scram"
	"go.mongodb.org/mongo-driver/bson"
)

// FerretDB as a library knows no passwords: SCRAM-SHA-256 as MongoDB's driver
// specification (auth, 5.0 and later) has it is done here, in front of it.
type scramServer struct {
	server *scram.Server
}

// A session is one connection's way through it; nil where none is wanted.
type session struct {
	server *scram.Server
	conv   *scram.ServerConversation
	in     bool
}

// newScram wants "NAME:PASSWORD", or nothing.
func newScram(user string) (*scramServer, error) {
	if user == "" {
		return nil, nil
	}
	name, password, found := strings.Cut(user, ":")
	if !found {
		return nil, errors.New("-user wants NAME:PASSWORD")
	}
	client, err := scram.SHA256.NewClient(name, password, "")
	if err != nil {
		return nil, err
	}
	// As long as a hash less four: drivers take no other.
	stored := client.GetStoredCredentials(scram.KeyFactors{
		Salt: "twenty-eight bytes of a salt", Iters: 15000})
	server, err := scram.SHA256.NewServer(
		func(who string) (scram.StoredCredentials, error) {
			if who != name {
				return stored, errors.New("unknown user")
			}
			return stored, nil
		})
	if err != nil {
		return nil, err
	}
	return &scramServer{server}, nil
}

func (s *scramServer) begin() *session {
	if s == nil {
		return nil
	}
	return &session{server: s.server}
}

// answer is nil for what may go on to the database.
func (s *session) answer(ask []byte) []byte {
	if s == nil || s.in {
		return nil
	}
	if isHello(ask) {
		return nil
	}
	switch command(ask) {
	case "saslStart":
		s.conv = s.server.NewConversation()
		return s.step(ask)
	case "saslContinue":
		if s.conv != nil {
			return s.step(ask)
		}
	}
	return reply(ask, bson.M{"ok": 0.0, "code": 13,
		"codeName": "Unauthorized",
		"errmsg":   "command requires authentication"})
}

func (s *session) step(ask []byte) []byte {
	var doc struct {
		Mechanism string `bson:"mechanism"`
		Payload   []byte `bson:"payload"`
	}
	err := bson.Unmarshal(body(ask), &doc)
	if err == nil && doc.Mechanism != "" &&
		doc.Mechanism != "SCRAM-SHA-256" {
		err = errors.New("no such mechanism")
	}
	said := ""
	if err == nil && !s.conv.Done() {
		said, err = s.conv.Step(string(doc.Payload))
	}
	if err != nil {
		s.conv = nil
		return reply(ask, bson.M{"ok": 0.0, "code": 18,
			"codeName": "AuthenticationFailed",
			"errmsg":   "Authentication failed."})
	}
	s.in = s.conv.Valid()
	return reply(ask, bson.M{"ok": 1.0, "conversationId": 1,
		"done": s.in, "payload": []byte(said)})
}

// greeting is what a hello's answer has of it: for who is not told of this
// mechanism tries SCRAM-SHA-1.
func (s *session) greeting() bson.M {
	if s == nil {
		return nil
	}
	return bson.M{"saslSupportedMechs": bson.A{"SCRAM-SHA-256"}}
}

// addTo adds elements to the document of an answer.
func addTo(answer []byte, more ...bson.M) []byte {
	start := headerSize + 5 // OP_MSG; in OP_REPLY the document is last, too
	if opcode(answer) != opMsg {
		start = headerSize + 20
	}
	var doc bson.M
	if err := bson.Unmarshal(answer[start:], &doc); err != nil {
		log.Print(err)
		return answer
	}
	for _, m := range more {
		for key, value := range m {
			doc[key] = value
		}
	}
	return frame(answer[:start], doc)
}

// reply is an OP_MSG in answer to another.
func reply(ask []byte, doc bson.M) []byte {
	head := make([]byte, headerSize+5)
	copy(head[8:], ask[4:8])
	binary.LittleEndian.PutUint32(head[12:], opMsg)
	return frame(head, doc)
}

func frame(head []byte, doc bson.M) []byte {
	b, err := bson.Marshal(doc)
	if err != nil {
		panic(err)
	}
	f := append(append([]byte{}, head...), b...)
	binary.LittleEndian.PutUint32(f, uint32(len(f)))
	return f
}

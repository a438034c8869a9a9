// Package stanza is the XML that Atoll speaks to its clients: a bounded parser, an element tree, a writer and the
// envelope that carries received bytes on to others.
//
// It is an engine package: no sockets, no goroutines, no clocks.
//
// # Parsing
//
// [Parse] takes one message of a WebSocket stream (RFC 7395 3.3.3): exactly one element, white space around it is
// ignored. The language is the restricted XML of RFC 6120 11.1: UTF-8, no document type, no processing instruction (the
// XML declaration counts as one), no comment, no entity but the five predefined and character references. CDATA sections
// are text. Namespaces follow "Namespaces in XML 1.0": undeclared prefixes, prefixes undeclared by an empty value and
// duplicate attributes are refused. Everything is bounded by [Limits]. What is refused is refused with the stream error
// condition that RFC 6120 4.9.3 gives it ([Condition]).
//
// An element without a namespace of its own is in jabber:client, as on a TCP stream.
//
// Bytes are routed, never re-written: [Element.Inner] of a received stanza is what its sender wrote between the tags,
// and an [Envelope] puts new addresses around it. For that the inner bytes must mean the same in any envelope, so a stanza
// whose children use a prefix, or a default namespace other than jabber:client, that only the stanza's own start tag
// declares is refused (the first) or written anew (the second).
//
// The strings of a parsed tree share one copy of the message: who keeps one for long clones it.
//
// # Writing
//
// [Element.Append] gives every element that has a namespace its own literal xmlns attribute and uses no prefixes: Jitsi's
// client selects elements by that attribute and finds nothing that inherits its namespace. An element made with an empty
// namespace is written without the attribute and takes the namespace of whatever it is put into.
//
// Received elements are written as they came as long as nobody changed them; a change by [Element.Set], [Element.With],
// [Element.WithText] or [Element.Keep] makes the changed element, and all it is part of, be written anew. In an element that is
// written anew the text stands before the children.
package stanza

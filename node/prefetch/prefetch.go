// Package prefetch has the processor fetch memory that is needed in a moment.
//
// What a node knows of each of its receivers is spread over some thirty cache lines and as many pages, and in no cache when
// the next packet comes. Read one after the other, each behind the lock of its owner, they take longer than all that is done
// with them. Told of beforehand, the processor fetches sixteen at once.
//
// A prefetch reads nothing: it needs no lock, and any address will do.
package prefetch

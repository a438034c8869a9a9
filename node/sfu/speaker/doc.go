// Package speaker finds the dominant speaker of a room from the audio levels that senders write into their packets
// (RFC 6464), by the rule of the Jitsi Videobridge (Volfin and Cohen, "Dominant speaker identification for multipoint
// videoconferencing"), reduced to the integer comparisons that it amounts to.
//
// A level is 0 (silent) to 127 (loud). Per speaker the engine keeps the last 50, newest first, and a noise floor:
//
//	missing levels  every 40 ms, a speaker who was silent for more than 40 ms gets a level 0. That stops 15 s after
//	                the last level of anybody.
//	noise floor     of levels that are not 0: none yet, or a lower level: the floor is that level and a new window
//	                begins. Else the least level of the window is tracked; after 750 levels the floor becomes
//	                floor(sqrt(floor * least)) and a new window begins.
//	immediate       imm[i] = 0 if level[i] < floor + 10, else level[i] / 10, for 50 i
//	medium          med[j] = how many of imm[5j..5j+4] are above 7, for 10 j
//	long            how many med are above 4
//
// Every 300 ms the speakers compete. C takes over from the dominant D if and only if
//
//	imm_D[0] <= 3, imm_C[0] >= 4, med_D[0] = 0, med_C[0] >= 1 and long_C > long_D;
//
// among several C the one with the greatest med_C[0], on a tie the one who spoke up in the room first. So the incumbent
// must be quiet now, the challenger loud now and more active during the last second; nobody takes over by talking over
// somebody. A single speaker is dominant; without a dominant one the first is nominated and the others compete with it.
// A speaker without a level for 60 minutes is forgotten unless dominant.
//
// The engine takes levels in order of time. Its periods of 40 and 300 ms begin with the first level, so equal input
// gives equal output.
package speaker

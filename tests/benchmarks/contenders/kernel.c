/* The limit: the squid axon's equations by a staggered exponential step, written out for many sweeps in vector lanes.

   Gates half a step ahead of the voltage; the voltage by an exponential step with the conductances held. All constants
   are literals, no sweep is checked, and exp is the vector library's. REAL is double or float. */

#include <math.h>

#define LANES 64

static inline REAL linoid(REAL x) { /* x / (exp(x) - 1) */
    REAL small = (REAL)1 - x * (REAL)0.5;
    REAL away = x / (EXP(x) - (REAL)1);
    return FABS(x) < (REAL)1e-3 ? small : away;
}

static inline void relax(REAL *x, REAL opening, REAL closing, REAL h) {
    REAL total = opening + closing, target = opening / total;
    *x = target + (*x - target) * EXP(-h * total);
}

static inline void gates(REAL v, REAL *m, REAL *h, REAL *n, REAL step) {
    relax(m, linoid((REAL)-0.1 * (v + 40)), 4 * EXP((v + 65) * (REAL)(-1.0 / 18)), step);
    relax(h, (REAL)0.07 * EXP((v + 65) * (REAL)(-1.0 / 20)), 1 / (1 + EXP((v + 35) * (REAL)-0.1)), step);
    relax(n, (REAL)0.1 * linoid((REAL)-0.1 * (v + 55)), (REAL)0.125 * EXP((v + 65) * (REAL)(-1.0 / 80)), step);
}

/* amplitudes in uA/cm2; out is (samples, sweeps) if every sample is wanted, (2, sweeps) if spikes and peak are. */
void march(const REAL *amplitudes, int sweeps, int samples, double dt, double on, double off, const double *start,
           int reduce, REAL *out) {
#pragma omp parallel for schedule(static)
    for (int first = 0; first < sweeps; first += LANES) {
        REAL v[LANES], m[LANES], h[LANES], n[LANES], count[LANES], peak[LANES];
        int lanes = sweeps - first < LANES ? sweeps - first : LANES;
        for (int i = 0; i < LANES; i++) {
            v[i] = peak[i] = start[0], m[i] = start[1], h[i] = start[2], n[i] = start[3], count[i] = 0;
        }
        for (int k = 0; k < samples; k++) {
            REAL step = k ? dt : 0.5 * dt;
            double t = k * dt + 1e-9 * dt;
            REAL level = t >= on && t < off;
            if (!reduce)
                for (int i = 0; i < lanes; i++) out[(long)k * sweeps + first + i] = v[i];
#pragma omp simd
            for (int i = 0; i < LANES; i++) {
                gates(v[i], &m[i], &h[i], &n[i], step);
                REAL m3h = m[i] * m[i] * m[i] * h[i], n2 = n[i] * n[i];
                REAL na = 120 * m3h, potassium = 36 * n2 * n2, leak = (REAL)0.3;
                REAL g = na + potassium + leak;
                REAL injected = level * amplitudes[first + (i < lanes ? i : 0)];
                REAL target = (50 * na - 77 * potassium - (REAL)54.3 * leak + injected) / g;
                REAL next = target + (v[i] - target) * EXP(-(REAL)dt * g);
                count[i] += v[i] < 0 && next >= 0;
                peak[i] = next > peak[i] ? next : peak[i];
                v[i] = next;
            }
        }
        if (reduce)
            for (int i = 0; i < lanes; i++) out[first + i] = count[i], out[sweeps + first + i] = peak[i];
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Halo.Kernels.Cpu;

/// <summary>Functions of float32 values in vectors.</summary>
internal static unsafe class VectorMath
{
    /// <summary>e^x within 2 units of the last place; 0 below -87, and 88 at most for x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        Vector512<float> inside = Vector512.MaxNative(Vector512.MinNative(x, Vector512.Create(88f)), Vector512.Create(-87f));
        Vector512<float> n = Vector512.Round(inside * 1.44269504f);
        Vector512<float> r = Vector512.MultiplyAddEstimate(n, Vector512.Create(-0.693145752f), inside);
        r = Vector512.MultiplyAddEstimate(n, Vector512.Create(-1.42860677e-6f), r);
        Vector512<float> p = Vector512.Create(1.3888889e-3f);
        p = Vector512.MultiplyAddEstimate(p, r, Vector512.Create(8.3333333e-3f));
        p = Vector512.MultiplyAddEstimate(p, r, Vector512.Create(4.16666667e-2f));
        p = Vector512.MultiplyAddEstimate(p, r, Vector512.Create(0.166666667f));
        p = Vector512.MultiplyAddEstimate(p, r, Vector512.Create(0.5f));
        p = Vector512.MultiplyAddEstimate(p, r, Vector512<float>.One);
        p = Vector512.MultiplyAddEstimate(p, r, Vector512<float>.One);
        Vector512<float> power = ((Vector512.ConvertToInt32Native(n) + Vector512.Create(127)) << 23).AsSingle();
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(-87f)), Vector512<float>.Zero, p * power);
    }

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sigmoid(Vector512<float> x) => Vector512<float>.One / (Vector512<float>.One + Exp(-x));

    /// <summary><c>target = x / sqrt(mean(x^2) + eps) * weight</c>; a null weight stands for ones. May work in place.</summary>
    public static void RmsNorm(float* x, float* weight, float epsilon, int count, float* target)
    {
        Vector512<float> sums = default;
        int i = 0;
        for (; i + 16 <= count; i += 16)
        {
            Vector512<float> v = Vector512.Load(x + i);
            sums = Vector512.MultiplyAddEstimate(v, v, sums);
        }

        float sum = Vector512.Sum(sums);
        for (; i < count; i++)
        {
            sum += x[i] * x[i];
        }

        float factor = 1 / MathF.Sqrt((sum / count) + epsilon);
        for (i = 0; i + 16 <= count; i += 16)
        {
            (Vector512.Load(x + i) * factor * Vector512.Load(weight + i)).Store(target + i);
        }

        for (; i < count; i++)
        {
            target[i] = x[i] * factor * weight[i];
        }
    }

    /// <summary><c>target = SiLU(gate) up</c>; count is rounded up to 16.</summary>
    public static void SwiGlu(float* gate, float* up, int count, float* target)
    {
        for (int i = 0; i < count; i += 16)
        {
            Vector512<float> g = Vector512.Load(gate + i);
            Vector512<float> result = g * Sigmoid(g) * Vector512.Load(up + i);
            if (i + 16 <= count)
            {
                result.Store(target + i);
            }
            else
            {
                for (int j = i; j < count; j++)
                {
                    target[j] = result[j - i];
                }
            }
        }
    }

    /// <summary><c>x = x sigmoid(gate)</c>; count is a multiple of 16.</summary>
    public static void Gate(float* x, float* gate, int count)
    {
        for (int i = 0; i < count; i += 16)
        {
            (Vector512.Load(x + i) * Sigmoid(Vector512.Load(gate + i))).Store(x + i);
        }
    }

    /// <summary><c>x = x + y</c>.</summary>
    public static void Add(float* x, float* y, int count)
    {
        int i = 0;
        for (; i + 16 <= count; i += 16)
        {
            (Vector512.Load(x + i) + Vector512.Load(y + i)).Store(x + i);
        }

        for (; i < count; i++)
        {
            x[i] += y[i];
        }
    }

    /// <summary>Half-split rotation of one head: the pair of i is i + size/2.</summary>
    /// <param name="x">The head, in place.</param>
    /// <param name="cosine">size/2 values.</param>
    /// <param name="sine">size/2 values.</param>
    /// <param name="size">D.</param>
    public static void Rotate(float* x, float* cosine, float* sine, int size)
    {
        int half = size / 2, i = 0;
        for (; i + 8 <= half; i += 8)
        {
            Vector256<float> a = Vector256.Load(x + i), b = Vector256.Load(x + half + i), c = Vector256.Load(cosine + i), s = Vector256.Load(sine + i);
            ((a * c) - (b * s)).Store(x + i);
            ((b * c) + (a * s)).Store(x + half + i);
        }

        for (; i < half; i++)
        {
            (float a, float b) = (x[i], x[half + i]);
            (x[i], x[half + i]) = ((a * cosine[i]) - (b * sine[i]), (b * cosine[i]) + (a * sine[i]));
        }
    }
}

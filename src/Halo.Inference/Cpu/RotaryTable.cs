using Halo.Models;

namespace Halo.Inference;

/// <summary>Cosines and sines of the tokens of a call, as <see cref="Rotary"/> has them.</summary>
internal sealed class RotaryTable
{
    // From here on angles are exact; before, rounded to float32 as in the models' own code.
    private const int Exact = 32768;
    private readonly float[] _frequencies;
    private readonly double _amplitude;
    private float[] _cosine = [];
    private float[] _sine = [];

    public RotaryTable(int size, double theta, RopeScaling? scaling)
    {
        _frequencies = Rotary.Frequencies(size, theta, scaling);
        _amplitude = scaling?.Amplitude ?? 1;
    }

    /// <summary>(T, D/2).</summary>
    public ReadOnlySpan<float> Cosine => _cosine;

    /// <summary>(T, D/2).</summary>
    public ReadOnlySpan<float> Sine => _sine;

    /// <summary>Makes them for the positions of a call.</summary>
    public void Set(ReadOnlySpan<int> positions)
    {
        int half = _frequencies.Length;
        if (_cosine.Length < positions.Length * half)
        {
            (_cosine, _sine) = (new float[positions.Length * half], new float[positions.Length * half]);
        }

        for (int t = 0; t < positions.Length; t++)
        {
            for (int i = 0; i < half; i++)
            {
                double angle = positions[t] * (double)_frequencies[i];
                (double sine, double cosine) = Math.SinCos(positions[t] < Exact ? (float)angle : angle);
                (_sine[(t * half) + i], _cosine[(t * half) + i]) = ((float)(sine * _amplitude), (float)(cosine * _amplitude));
            }
        }
    }
}

using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>What the mixers of one call read and extend: its rows are those of the call.</summary>
internal interface ILayerCache
{
    /// <summary>Whether keys and values are rounded as they are added; else whoever adds them rounds them, where the model keeps few bits.</summary>
    bool Rounds => false;

    /// <summary>Adds keys and values (B,Hkv,T,D) behind those that each row holds; gives views of all, as long as the longest row.</summary>
    (Tensor K_BHSD, Tensor V_BHSD) Append(int layer, Tensor k_BHTD, Tensor v_BHTD);

    /// <summary>The Lightning state of a layer, (B,H,D,D); null for zeros.</summary>
    Tensor? State(int layer);

    /// <summary>Sets the Lightning state of a layer, (B,H,D,D).</summary>
    void SetState(int layer, Tensor state_BHDD);
}
